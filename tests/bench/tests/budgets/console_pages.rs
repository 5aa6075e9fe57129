//! The console: what a page reads does not grow with the catalogue.

use bench::{Budget, Section, pages};

const FEW: usize = 300;
const MANY: usize = 1_500;

/// It has as many rows as are found, up to a page of them; each is a question to the table.
const FOUND: &str = "items, found by name";

pub async fn measure() -> anyhow::Result<Section> {
    let mut section = Section::new(format!("A page of the console, {FEW} and {MANY} listings"));
    let (few, many) = (pages::measure(FEW, 1).await?, pages::measure(MANY, 1).await?);
    for (few, many) in few.into_iter().zip(many) {
        section.count(many.page, "requests, few", few.requests, Budget::None);
        let budget = if many.page == FOUND { Budget::None } else { Budget::at_most(few.requests) };
        section.count(many.page, "requests, many", many.requests, budget);
        section.units(many.page, "read units, few", few.reads, Budget::None);
        section.units(many.page, "read units, many", many.reads, Budget::None);
    }
    Ok(section)
}
