//! Small charts: bars as inline SVG, told in words too.

use std::fmt;

use askama::filters::HtmlSafe;

/// In units of the drawing.
const WIDTH: u64 = 280;
const HEIGHT: u64 = 64;
const GAP: u64 = 3;

/// One bar a day, the oldest first.
#[derive(Debug, Clone)]
pub struct Bars {
    pub label: &'static str,
    pub days: Vec<(String, u64)>,
}

impl Bars {
    pub fn total(&self) -> u64 {
        self.days.iter().map(|(_, value)| value).sum()
    }
}

impl fmt::Display for Bars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = u64::try_from(self.days.len()).unwrap_or(1).max(1);
        let step = WIDTH / count;
        let most = self.days.iter().map(|(_, value)| *value).max().unwrap_or(0).max(1);
        write!(
            f,
            "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}: {}\">",
            self.label,
            self.total()
        )?;
        for (n, (day, value)) in (0_u64..).zip(&self.days) {
            let height = (value * (HEIGHT - 4)).div_ceil(most).max(2);
            let class = if *value == 0 { "none" } else { "bar" };
            write!(
                f,
                "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{height}\" rx=\"2\"><title>{day}: {value}</title></rect>",
                n * step,
                HEIGHT - height,
                step - GAP,
            )?;
        }
        f.write_str("</svg>")
    }
}

/// Numbers, days and labels of ours.
impl HtmlSafe for Bars {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tallest_bar_fills_the_height_and_none_is_lost() {
        let bars = Bars { label: "Orders", days: vec![("1".into(), 0), ("2".into(), 5), ("3".into(), 10)] };
        let drawn = bars.to_string();
        assert_eq!(drawn.matches("<rect").count(), 3);
        assert!(drawn.contains("height=\"60\"") && drawn.contains("height=\"30\""), "{drawn}");
        assert!(drawn.contains("aria-label=\"Orders: 15\""));
    }
}
