//! The table: each figure with its budget, and what is beyond it.

use std::fmt;

use engine::Units;

/// What a figure may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// Less would mean that the work was not done.
    Exactly(Units),
    AtMost(Units),
    /// Told, not bounded.
    None,
}

impl Budget {
    pub const fn exactly(count: u64) -> Self {
        Self::Exactly(Units::whole(count))
    }

    pub const fn at_most(count: u64) -> Self {
        Self::AtMost(Units::whole(count))
    }

    fn holds(self, measured: Units) -> bool {
        match self {
            Self::Exactly(wanted) => measured == wanted,
            Self::AtMost(most) => measured <= most,
            Self::None => true,
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(wanted) => f.write_str(&plain(*wanted)),
            Self::AtMost(most) => write!(f, "≤ {}", plain(*most)),
            Self::None => f.write_str("–"),
        }
    }
}

/// Figures that belong together: one table in Markdown.
#[derive(Debug, Clone, Default)]
pub struct Section {
    title: String,
    rows: Vec<(String, Units, Budget)>,
}

impl Section {
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), rows: Vec::new() }
    }

    pub fn count(&mut self, what: impl Into<String>, measured: u64, budget: Budget) {
        self.units(what, Units::whole(measured), budget);
    }

    pub fn units(&mut self, what: impl Into<String>, measured: Units, budget: Budget) {
        self.rows.push((what.into(), measured, budget));
    }

    /// The figures that do not keep their budget, in words.
    pub fn excesses(&self) -> Vec<String> {
        let beyond = self.rows.iter().filter(|(_, measured, budget)| !budget.holds(*measured));
        beyond
            .map(|(what, measured, budget)| format!("{what}: {} (budget {budget})", plain(*measured)))
            .collect()
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = ("measured".to_owned(), "budget".to_owned());
        let rows: Vec<(&str, String, String)> = std::iter::once((self.title.as_str(), header.0, header.1))
            .chain(self.rows.iter().map(|(what, measured, budget)| {
                let mark = if budget.holds(*measured) { "" } else { " ✗" };
                (what.as_str(), plain(*measured) + mark, budget.to_string())
            }))
            .collect();
        let width = |cell: fn(&(&str, String, String)) -> usize| rows.iter().map(cell).max().unwrap_or(0);
        let first = width(|row| row.0.chars().count());
        let second = width(|row| row.1.chars().count());
        let third = width(|row| row.2.chars().count());
        for (n, (what, measured, budget)) in rows.iter().enumerate() {
            writeln!(f, "| {what:first$} | {measured:>second$} | {budget:>third$} |")?;
            if n == 0 {
                writeln!(
                    f,
                    "| {:-<first$} | {:->second$}: | {:->third$}: |",
                    "",
                    "",
                    "",
                    second = second - 1,
                    third = third - 1
                )?;
            }
        }
        Ok(())
    }
}

/// Without the zeros that say nothing.
fn plain(units: Units) -> String {
    let text = units.to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_beyond_its_budget_is_an_excess() {
        let half = Units::from_milli(500);
        let cases = [
            (Units::whole(10), Budget::exactly(10), true),
            (Units::whole(9), Budget::exactly(10), false),
            (Units::whole(11), Budget::exactly(10), false),
            (half, Budget::AtMost(half), true),
            (Units::from_milli(501), Budget::AtMost(half), false),
            (Units::whole(1_000), Budget::None, true),
        ];
        for (measured, budget, within) in cases {
            let mut section = Section::new("what");
            section.units("it", measured, budget);
            assert_eq!(section.excesses().is_empty(), within, "{measured} {budget}");
        }
    }

    #[test]
    fn a_section_is_a_table_that_marks_what_is_beyond() {
        let mut section = Section::new("calls");
        section.count("pages", 10, Budget::exactly(10));
        section.units("reads", Units::from_milli(1_500), Budget::at_most(1));
        let lines: Vec<String> = section.to_string().lines().map(str::to_owned).collect();
        assert_eq!(
            lines,
            [
                "| calls | measured | budget |",
                "| ----- | -------: | -----: |",
                "| pages |       10 |     10 |",
                "| reads |    1.5 ✗ |    ≤ 1 |",
            ]
        );
        assert_eq!(section.excesses(), ["reads: 1.5 (budget ≤ 1)"]);
    }
}
