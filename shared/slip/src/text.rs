//! Text into glyphs: the fonts that have its letters, its direction, its width, and its lines.

use krilla::text::{GlyphId, KrillaGlyph};
use rustybuzz::{Direction, UnicodeBuffer};
use unicode_bidi::BidiInfo;

use crate::font::{Faces, Weight};

/// Letters of one font and direction.
pub(crate) struct Run {
    pub face: usize,
    pub text: String,
    /// Advances in em.
    pub glyphs: Vec<KrillaGlyph>,
    pub width_em: f32,
}

/// One line, its runs from left to right.
#[derive(Default)]
pub(crate) struct Shaped {
    pub text: String,
    pub runs: Vec<Run>,
    pub width_em: f32,
    /// Holds letters that no font has.
    pub incomplete: bool,
}

/// A line of text; what is no letter (tabs, line ends) is a space.
pub(crate) fn shape(text: &str, weight: Weight, faces: &Faces<'_>) -> Shaped {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut shaped = Shaped::default();
    let bidi = BidiInfo::new(&text, None);
    for paragraph in &bidi.paragraphs {
        let (levels, ranges) = bidi.visual_runs(paragraph, paragraph.range.clone());
        for range in ranges {
            let is_rtl = levels.get(range.start).is_some_and(|level| level.is_rtl());
            let mut parts = split(text.get(range).unwrap_or_default(), weight, faces, &mut shaped.incomplete);
            if is_rtl {
                parts.reverse();
            }
            let direction = if is_rtl { Direction::RightToLeft } else { Direction::LeftToRight };
            let runs = parts.into_iter().filter_map(|(face, text)| shape_run(face, text, direction, faces));
            shaped.runs.extend(runs);
        }
    }
    shaped.width_em = shaped.runs.iter().map(|run| run.width_em).sum();
    shaped.text = text;
    shaped
}

/// By the fonts that have the letters. One that none has stays with the font before, and shows as its box.
fn split(text: &str, weight: Weight, faces: &Faces<'_>, incomplete: &mut bool) -> Vec<(usize, String)> {
    let mut parts: Vec<(usize, String)> = Vec::new();
    for letter in text.chars() {
        let in_use = parts.last().map_or(Faces::first(weight), |(face, _)| *face);
        let face = faces.for_letter(letter, in_use, weight).unwrap_or_else(|| {
            *incomplete |= !is_invisible(letter);
            in_use
        });
        match parts.last_mut() {
            Some((last, part)) if *last == face => part.push(letter),
            _ => parts.push((face, letter.to_string())),
        }
    }
    parts
}

/// Joiners, marks of direction, selectors of variants: nothing is missed without a glyph of their own.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

fn shape_run(face: usize, text: String, direction: Direction, faces: &Faces<'_>) -> Option<Run> {
    let loaded = faces.get(face)?;
    let units = f32::from(u16::try_from(loaded.shaper.units_per_em()).ok()?);
    let mut buffer = UnicodeBuffer::new();
    buffer.push_str(&text);
    buffer.guess_segment_properties();
    buffer.set_direction(direction);
    let output = rustybuzz::shape(&loaded.shaper, &[], buffer);
    // In units of a font, which are whole numbers far below what an f32 holds exactly.
    #[allow(clippy::cast_precision_loss)]
    let em = |value: i32| value as f32 / units;
    let clusters: Vec<usize> =
        output.glyph_infos().iter().map(|info| usize::try_from(info.cluster).unwrap_or_default()).collect();
    let mut starts = clusters.clone();
    starts.sort_unstable();
    starts.dedup();
    let end_of = |start: usize| starts.iter().copied().find(|next| *next > start).unwrap_or(text.len());
    let glyphs: Vec<KrillaGlyph> = output
        .glyph_infos()
        .iter()
        .zip(output.glyph_positions())
        .zip(&clusters)
        .map(|((info, position), &start)| {
            KrillaGlyph::new(
                GlyphId::new(info.glyph_id),
                em(position.x_advance),
                em(position.x_offset),
                em(position.y_offset),
                em(position.y_advance),
                start..end_of(start),
                None,
            )
        })
        .collect();
    let width_em = glyphs.iter().map(|glyph| glyph.x_advance).sum();
    Some(Run { face, text, glyphs, width_em })
}

/// Lines of at most `width_em`, broken between words, or within one that is longer. More than `lines_max` end in an
/// ellipsis.
pub(crate) fn wrap(
    text: &str,
    weight: Weight,
    width_em: f32,
    lines_max: usize,
    faces: &Faces<'_>,
) -> Vec<Shaped> {
    let fits = |text: &str| shape(text, weight, faces).width_em <= width_em;
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if fits(&joined) {
            line = joined;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for letter in word.chars() {
            line.push(letter);
            if !fits(&line) && line.chars().count() > 1 {
                line.pop();
                lines.push(std::mem::replace(&mut line, letter.to_string()));
            }
        }
        if lines.len() > lines_max {
            break;
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    if lines.len() > lines_max {
        lines.truncate(lines_max);
        if let Some(last) = lines.last_mut() {
            while !last.is_empty() && !fits(&format!("{last}…")) {
                last.pop();
            }
            last.push('…');
        }
    }
    lines.iter().map(|line| shape(line, weight, faces)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fonts;

    fn texts(lines: &[Shaped]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn lines_break_between_words_and_within_long_ones() {
        let fonts = Fonts::default();
        let faces = fonts.faces().unwrap();
        let wrapped = |text, width, max| {
            let lines = wrap(text, Weight::Regular, width, max, &faces);
            assert!(lines.iter().all(|line| line.width_em <= width), "{text}");
            texts(&lines).join("|")
        };
        assert_eq!(wrapped("one two three", 4.6, 9), "one two|three");
        assert_eq!(wrapped("  one\n two ", 40.0, 9), "one two");
        let long = wrapped("Donaudampfschiff", 4.6, 9);
        assert_eq!(
            (long.replace('|', "").as_str(), long.matches('|').count()),
            ("Donaudampfschiff", 2),
            "{long}"
        );
        assert_eq!(wrapped("one two three four five", 4.6, 2), "one two|three…");
        assert_eq!(wrapped("", 4.6, 2), "");
    }

    #[test]
    fn scripts_of_the_built_in_font_are_written_whole() {
        let fonts = Fonts::default();
        let faces = fonts.faces().unwrap();
        for text in [
            "Łódź, Škofja Loka, Reykjavík, Đà Nẵng",
            "Αθήνα",
            "Улица Льва Толстого",
            "Երևան",
            "თბილისი",
            "תל אביב",
            "القاهرة",
        ] {
            let shaped = shape(text, Weight::Regular, &faces);
            assert!(!shaped.incomplete, "{text}");
            assert!(
                shaped.runs.iter().flat_map(|run| &run.glyphs).all(|glyph| glyph.glyph_id != GlyphId::new(0))
            );
        }
        assert!(shape("東京都", Weight::Regular, &faces).incomplete);
    }

    /// A street in Hebrew with its number: the words from right to left, the number as it is read.
    #[test]
    fn right_to_left_is_laid_out_as_it_is_read() {
        let fonts = Fonts::default();
        let faces = fonts.faces().unwrap();
        let shaped = shape("רחוב 12", Weight::Regular, &faces);
        let runs: Vec<&str> = shaped.runs.iter().map(|run| run.text.as_str()).collect();
        assert_eq!(runs, ["12", "רחוב "]);
        let first = &shaped.runs[1].glyphs[0];
        assert_eq!(first.text_range, 8..9, "the last letter, a space, is the leftmost");
    }
}
