//! Goods as a merchant names them: what a row weighs depends on its texts.

use marketplace_sim::{Goods, Variation};

const MAKERS: [&str; 7] =
    ["Nordwind", "Casa Bellini", "Harbour & Sons", "Alpenrot", "Umi", "Fjellvik", "Ocre"];
const THINGS: [&str; 9] = [
    "crew neck sweater",
    "linen shirt",
    "waxed canvas backpack",
    "enamel mug",
    "wool socks",
    "leather belt",
    "table lamp",
    "stoneware bowl",
    "rain jacket",
];
const COLOURS: [&str; 5] = ["navy", "off-white", "forest green", "terracotta", "charcoal"];
const SIZES: [&str; 5] = ["XS", "S", "M", "L", "XL"];

fn of<'a>(words: &[&'a str], n: usize) -> &'a str {
    words[n % words.len()]
}

pub fn title(n: usize) -> String {
    let (maker, thing) = (of(&MAKERS, n), of(&THINGS, n / 7));
    format!("{maker} {thing}, {}, {} ({n})", of(&COLOURS, n / 3), of(&SIZES, n))
}

pub fn sku(n: usize) -> String {
    let thing: String = of(&THINGS, n / 7).chars().filter(char::is_ascii_alphabetic).take(4).collect();
    format!("{}-{n:06}-{}", thing.to_uppercase(), of(&SIZES, n))
}

pub fn simple(n: usize, quantity: i64) -> Goods {
    Goods {
        sku: Some(sku(n)),
        title: title(n),
        price: format!("{}.90", 5 + n % 90),
        quantity: Some(quantity),
        ..Goods::default()
    }
}

/// In every colour and size that there is: 25.
pub const VARIATIONS: usize = COLOURS.len() * SIZES.len();

pub fn variable(n: usize, quantity: i64) -> Goods {
    let variations = (0..VARIATIONS).map(|v| Variation {
        sku: Some(format!("{}-{v}", sku(n))),
        price: format!("{}.90", 5 + n % 90),
        quantity: Some(quantity),
        attributes: vec![
            ("Colour".to_owned(), COLOURS[v / SIZES.len()].to_owned()),
            ("Size".to_owned(), of(&SIZES, v).to_owned()),
        ],
    });
    Goods { title: title(n), variations: variations.collect(), ..Goods::default() }
}
