//! The console: what a page reads does not grow with the catalogue.

use bench::{Budget, Section, pages};

const FEW: usize = 300;
const MANY: usize = 3_000;

pub async fn measure() -> anyhow::Result<Section> {
    let mut section = Section::new(format!("A page of the console, {FEW} and {MANY} listings"));
    let (few, many) = (pages::measure(FEW, 1).await?, pages::measure(MANY, 1).await?);
    for (few, many) in few.into_iter().zip(many) {
        section.count(many.page, "requests, few", few.requests, Budget::None);
        section.count(many.page, "requests, many", many.requests, Budget::at_most(few.requests));
        section.units(many.page, "read units, few", few.reads, Budget::None);
        section.units(many.page, "read units, many", many.reads, Budget::None);
    }
    Ok(section)
}
