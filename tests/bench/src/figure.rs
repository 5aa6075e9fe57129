//! The tables: each figure with its budget, and what is beyond it.

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
}

#[derive(Debug, Clone)]
struct Figure {
    row: String,
    column: String,
    measured: Units,
    budget: Budget,
}

impl Figure {
    fn holds(&self) -> bool {
        match self.budget {
            Budget::Exactly(wanted) => self.measured == wanted,
            Budget::AtMost(most) => self.measured <= most,
            Budget::None => true,
        }
    }
}

/// The figure, and its budget in brackets.
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&plain(self.measured))?;
        match self.budget {
            Budget::Exactly(wanted) => write!(f, " (= {})", plain(wanted))?,
            Budget::AtMost(most) => write!(f, " (≤ {})", plain(most))?,
            Budget::None => {}
        }
        f.write_str(if self.holds() { "" } else { " ✗" })
    }
}

/// Figures that belong together: one table, in Markdown.
#[derive(Debug, Clone)]
pub struct Section {
    title: String,
    figures: Vec<Figure>,
}

impl Section {
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), figures: Vec::new() }
    }

    /// Rows and columns stand in the order of their first figure.
    pub fn units(&mut self, row: impl Into<String>, column: &str, measured: Units, budget: Budget) {
        self.figures.push(Figure { row: row.into(), column: column.to_owned(), measured, budget });
    }

    pub fn count(&mut self, row: impl Into<String>, column: &str, measured: u64, budget: Budget) {
        self.units(row, column, Units::whole(measured), budget);
    }

    /// The figures that do not keep their budget, in words.
    pub fn excesses(&self) -> Vec<String> {
        let beyond = self.figures.iter().filter(|figure| !figure.holds());
        beyond.map(|figure| format!("{}: {}, {}: {figure}", self.title, figure.row, figure.column)).collect()
    }

    fn cells(&self) -> Vec<Vec<String>> {
        let columns = in_order(self.figures.iter().map(|figure| figure.column.as_str()));
        let header = std::iter::once(self.title.as_str()).chain(columns.iter().copied());
        let mut lines = vec![header.map(str::to_owned).collect()];
        for row in in_order(self.figures.iter().map(|figure| figure.row.as_str())) {
            let mut line = vec![row.to_owned()];
            for column in &columns {
                let figure = self.figures.iter().find(|figure| figure.row == row && figure.column == *column);
                line.push(figure.map_or_else(String::new, Figure::to_string));
            }
            lines.push(line);
        }
        lines
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.cells();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
        for (n, line) in lines.iter().enumerate() {
            write_line(f, line, &widths)?;
            if n == 0 {
                let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
                write_line(f, &rule, &widths)?;
            }
        }
        Ok(())
    }
}

fn write_line(f: &mut fmt::Formatter<'_>, cells: &[String], widths: &[usize]) -> fmt::Result {
    for (cell, width) in cells.iter().zip(widths) {
        write!(f, "| {cell:width$} ")?;
    }
    f.write_str("|\n")
}

fn in_order<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
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
            section.units("it", "here", measured, budget);
            assert_eq!(section.excesses().is_empty(), within, "{measured} {budget:?}");
        }
    }

    #[test]
    fn a_section_is_a_table_that_marks_what_is_beyond() {
        let mut section = Section::new("calls");
        section.count("pages", "one", 10, Budget::exactly(10));
        section.units("reads", "two", Units::from_milli(1_500), Budget::at_most(1));
        section.count("reads", "one", 20, Budget::None);
        let lines: Vec<String> = section.to_string().lines().map(str::to_owned).collect();
        assert_eq!(
            lines,
            [
                "| calls | one       | two         |",
                "| ----- | --------- | ----------- |",
                "| pages | 10 (= 10) |             |",
                "| reads | 20        | 1.5 (≤ 1) ✗ |",
            ]
        );
        assert_eq!(section.excesses(), ["calls: reads, two: 1.5 (≤ 1) ✗"]);
    }
}
