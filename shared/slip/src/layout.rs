//! Where everything is on the pages, in points from the top left.

use crate::font::{Faces, Weight};
use crate::text::{Shaped, shape, wrap};
use crate::{Recipient, Slip, SlipLine, barcode};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaperSize {
    A6,
    A4,
}

impl PaperSize {
    /// Width and height in points.
    pub fn points(self) -> (f32, f32) {
        match self {
            Self::A6 => (297.64, 419.53),
            Self::A4 => (595.28, 841.89),
        }
    }

    fn style(self) -> Style {
        match self {
            Self::A6 => Style { margin: 17.0, small: 6.5, body: 8.0, large: 11.5, bars: 34.0 },
            Self::A4 => Style { margin: 48.0, small: 8.5, body: 10.5, large: 16.0, bars: 48.0 },
        }
    }
}

/// Sizes in points.
#[derive(Clone, Copy)]
struct Style {
    margin: f32,
    small: f32,
    body: f32,
    large: f32,
    /// Height of the barcode.
    bars: f32,
}

/// From one baseline to the next, in sizes of the letters.
const LEADING: f32 = 1.3;
/// What a scanner at arm's length still tells apart, in points: 0.19 mm.
const MODULE_MIN: f32 = 0.54;
const MODULE_MAX: f32 = 1.1;
/// White on either side of a barcode, in modules.
const QUIET: u16 = 10;
/// Lines of one article's name.
const TITLE_LINES_MAX: usize = 3;

const EXPIRED: &str = "Name and address have expired: they are kept 30 days after an order ends.";
const UNKNOWN: &str = "No name or address is known.";
const INCOMPLETE: &str = "Some characters cannot be written with the fonts that are installed here.";

pub(crate) enum Item {
    Text {
        x: f32,
        baseline: f32,
        size: f32,
        grey: bool,
        line: Shaped,
    },
    Rule {
        x: f32,
        y: f32,
        width: f32,
    },
    /// Bars and spaces in turn, a bar first, in modules.
    Bars {
        x: f32,
        y: f32,
        height: f32,
        module: f32,
        widths: Vec<u8>,
    },
}

pub(crate) type Page = Vec<Item>;

struct Layout<'f, 'a> {
    faces: &'a Faces<'f>,
    style: Style,
    size: (f32, f32),
    pages: Vec<Page>,
    /// Where the next line begins.
    y: f32,
    incomplete: bool,
}

pub(crate) fn pages(slip: &Slip, size: PaperSize, faces: &Faces<'_>) -> Vec<Page> {
    let style = size.style();
    let size = size.points();
    let mut layout =
        Layout { faces, style, size, pages: vec![Vec::new()], y: style.margin, incomplete: false };
    layout.head(slip);
    layout.recipient(&slip.recipient);
    layout.code(&slip.code);
    layout.facts(&slip.facts);
    layout.contents(&slip.lines);
    layout.feet(slip);
    layout.pages
}

impl Layout<'_, '_> {
    fn width(&self) -> f32 {
        self.size.0 - 2.0 * self.style.margin
    }

    fn put(&mut self, item: Item) {
        if let Some(page) = self.pages.last_mut() {
            page.push(item);
        }
    }

    /// A new page, where this much does not fit above the foot.
    fn need(&mut self, height: f32) {
        let foot = self.size.1 - self.style.margin - 2.0 * self.style.small * LEADING;
        if self.y + height > foot && self.y > self.style.margin {
            self.pages.push(Vec::new());
            self.y = self.style.margin;
        }
    }

    fn put_line(&mut self, x: f32, y: f32, size: f32, grey: bool, line: Shaped) {
        self.incomplete |= line.incomplete;
        self.put(Item::Text { x, baseline: y + size, size, grey, line });
    }

    /// Paragraph by paragraph, as many lines as each takes.
    fn paragraph(&mut self, text: &str, size: f32, weight: Weight, grey: bool) {
        for line in wrap(text, weight, self.width() / size, usize::MAX, self.faces) {
            self.need(size * LEADING);
            let y = self.y;
            self.put_line(self.style.margin, y, size, grey, line);
            self.y += size * LEADING;
        }
    }

    fn rule(&mut self) {
        self.y += self.style.body * 0.5;
        let (x, y, width) = (self.style.margin, self.y, self.width());
        self.put(Item::Rule { x, y, width });
        self.y += self.style.body * 0.7;
    }

    fn head(&mut self, slip: &Slip) {
        let style = self.style;
        let title = shape(&slip.title, Weight::Bold, self.faces);
        let x = (self.size.0 - style.margin - title.width_em * style.small).max(style.margin);
        self.put_line(x, self.y, style.small, true, title);
        for (at, line) in slip.sender.iter().enumerate() {
            let weight = if at == 0 { Weight::Bold } else { Weight::Regular };
            // Beside the title.
            let width = if at == 0 { x - style.margin - style.body } else { self.width() };
            for line in wrap(line, weight, width.max(style.body) / style.small, 2, self.faces) {
                self.put_line(style.margin, self.y, style.small, at > 0, line);
                self.y += style.small * LEADING;
            }
        }
        self.rule();
    }

    fn recipient(&mut self, recipient: &Recipient) {
        let style = self.style;
        self.paragraph("Ship to", style.small, Weight::Regular, true);
        match recipient {
            Recipient::Known(lines) => {
                for (at, line) in lines.iter().enumerate() {
                    let weight = if at == 0 { Weight::Bold } else { Weight::Regular };
                    self.paragraph(line, style.large, weight, false);
                }
            }
            Recipient::Unknown => self.paragraph(UNKNOWN, style.body, Weight::Regular, false),
            Recipient::Expired => self.paragraph(EXPIRED, style.body, Weight::Regular, false),
        }
        self.rule();
    }

    fn code(&mut self, code: &str) {
        let style = self.style;
        if let Some(widths) = barcode::widths(code) {
            let modules: u16 = widths.iter().map(|width| u16::from(*width)).sum();
            let module = (self.width() / f32::from(modules + 2 * QUIET)).min(MODULE_MAX);
            if module >= MODULE_MIN {
                self.need(style.bars + style.body * LEADING);
                let x = style.margin + f32::from(QUIET) * module;
                let y = self.y;
                self.put(Item::Bars { x, y, height: style.bars, module, widths });
                self.y += style.bars + style.body * 0.2;
            }
        }
        self.paragraph(code, style.body, Weight::Bold, false);
        self.y += style.body * 0.4;
    }

    fn facts(&mut self, facts: &[(String, String)]) {
        let style = self.style;
        let names: Vec<Shaped> =
            facts.iter().map(|(name, _)| shape(name, Weight::Regular, self.faces)).collect();
        let widest = names.iter().map(|name| name.width_em).fold(0.0, f32::max);
        let indent = (widest * style.body + style.body).min(self.width() / 2.0);
        for (name, (_, value)) in names.into_iter().zip(facts) {
            let lines = wrap(value, Weight::Regular, (self.width() - indent) / style.body, 4, self.faces);
            self.need(style.body * LEADING);
            self.put_line(style.margin, self.y, style.body, true, name);
            for line in lines {
                self.need(style.body * LEADING);
                self.put_line(style.margin + indent, self.y, style.body, false, line);
                self.y += style.body * LEADING;
            }
        }
        self.rule();
    }

    fn contents(&mut self, lines: &[SlipLine]) {
        let style = self.style;
        let (quantity, sku) = (style.body * 4.0, self.width() * 0.27);
        let columns = [0.0, quantity, quantity + sku];
        self.row(columns, ["Qty", "SKU", "Article"], true);
        for line in lines {
            self.row(columns, [&line.quantity, &line.sku, &line.title], false);
        }
    }

    /// A row of the table, whole on one page.
    fn row(&mut self, columns: [f32; 3], texts: [&str; 3], is_head: bool) {
        let style = self.style;
        let size = if is_head { style.small } else { style.body };
        let ends = [columns[1], columns[2], self.width()];
        let mut cells = Vec::with_capacity(3);
        for ((start, end), text) in columns.into_iter().zip(ends).zip(texts) {
            let weight = if start == 0.0 && !is_head { Weight::Bold } else { Weight::Regular };
            let width = (end - start - style.body * 0.6) / size;
            cells.push((start, wrap(text, weight, width, TITLE_LINES_MAX, self.faces)));
        }
        let height = cells.iter().map(|(_, lines)| lines.len()).max().unwrap_or(1);
        let height = f32::from(u16::try_from(height).unwrap_or(1)) * size * LEADING;
        self.need(height);
        for (start, lines) in cells {
            let mut y = self.y;
            for line in lines {
                self.put_line(style.margin + start, y, size, is_head, line);
                y += size * LEADING;
            }
        }
        self.y += height + style.body * 0.25;
    }

    /// On each page which it is, and of what.
    fn feet(&mut self, slip: &Slip) {
        let style = self.style;
        let count = self.pages.len();
        let baseline = self.size.1 - style.margin;
        for (at, page) in self.pages.iter_mut().enumerate() {
            let text = format!("{} – page {} of {count}", slip.code, at + 1);
            let line = shape(&text, Weight::Regular, self.faces);
            page.push(Item::Text { x: style.margin, baseline, size: style.small, grey: true, line });
            if self.incomplete {
                let line = shape(INCOMPLETE, Weight::Regular, self.faces);
                let baseline = baseline - style.small * LEADING;
                page.push(Item::Text { x: style.margin, baseline, size: style.small, grey: false, line });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fonts;

    fn slip(recipient: Recipient, lines: usize) -> Slip {
        let line = |n: usize| SlipLine {
            quantity: "2".to_owned(),
            sku: format!("SKU-{n}"),
            title: "A mug of stoneware, with a rather long name that does not fit one line".to_owned(),
        };
        Slip {
            title: "Packing slip".to_owned(),
            sender: vec!["Outfitters".to_owned(), "Main warehouse".to_owned()],
            recipient,
            code: "#1001-P1".to_owned(),
            facts: vec![("Order".to_owned(), "#1001".to_owned())],
            lines: (0..lines).map(line).collect(),
        }
    }

    fn texts(pages: &[Page]) -> Vec<String> {
        let items = pages.iter().flatten();
        let text = |item: &Item| match item {
            Item::Text { line, .. } => Some(line.text.clone()),
            _ => None,
        };
        items.filter_map(text).collect()
    }

    fn laid_out(slip: &Slip, size: PaperSize) -> Vec<Page> {
        let fonts = Fonts::default();
        let faces = fonts.faces().unwrap();
        let pages = pages(slip, size, &faces);
        let (width, height) = size.points();
        for item in pages.iter().flatten() {
            let (right, bottom) = match item {
                Item::Text { x, baseline, size, line, .. } => (x + line.width_em * size, *baseline),
                Item::Rule { x, y, width } => (x + width, *y),
                Item::Bars { x, y, height, module, widths } => {
                    (x + f32::from(widths.iter().map(|w| u16::from(*w)).sum::<u16>()) * module, y + height)
                }
            };
            assert!(right <= width && bottom <= height, "outside of the page: {right} {bottom}");
        }
        pages
    }

    #[test]
    fn all_of_a_slip_is_on_its_pages() {
        let address = ["Ada Lovelace", "12 St James's Square", "London SW1Y 4JH", "GB"];
        let known = Recipient::Known(address.map(str::to_owned).to_vec());
        for size in [PaperSize::A6, PaperSize::A4] {
            let pages = laid_out(&slip(known.clone(), 1), size);
            let texts = texts(&pages);
            for text in address.into_iter().chain(["Packing slip", "Outfitters", "#1001-P1", "SKU-0", "2"]) {
                assert!(texts.iter().any(|found| found == text), "{text} in {texts:?}");
            }
            assert_eq!(pages.len(), 1);
            assert!(pages[0].iter().any(|item| matches!(item, Item::Bars { .. })));
        }
    }

    #[test]
    fn what_does_not_fit_goes_on_on_the_next_page() {
        let pages = laid_out(&slip(Recipient::Unknown, 45), PaperSize::A6);
        let texts = texts(&pages);
        assert!(pages.len() > 3, "{}", pages.len());
        assert!((0..45).all(|n| texts.contains(&format!("SKU-{n}"))));
        assert!(texts.contains(&format!("#1001-P1 – page 2 of {}", pages.len())));
    }

    #[test]
    fn an_expired_recipient_is_said_to_be_one() {
        let texts = texts(&laid_out(&slip(Recipient::Expired, 1), PaperSize::A4));
        assert!(texts.contains(&EXPIRED.to_owned()), "{texts:?}");
    }

    #[test]
    fn letters_without_a_font_are_said_to_be_missing() {
        let known = Recipient::Known(vec!["山田 太郎".to_owned()]);
        let found = texts(&laid_out(&slip(known, 1), PaperSize::A4));
        assert!(found.contains(&INCOMPLETE.to_owned()), "{found:?}");
        let found = texts(&laid_out(&slip(Recipient::Unknown, 1), PaperSize::A4));
        assert!(!found.contains(&INCOMPLETE.to_owned()));
    }

    #[test]
    fn a_code_too_long_for_bars_is_text() {
        let long = Slip { code: "x".repeat(60), ..slip(Recipient::Unknown, 1) };
        let pages = laid_out(&long, PaperSize::A6);
        assert!(!pages[0].iter().any(|item| matches!(item, Item::Bars { .. })));
    }
}
