//! Code 128 (ISO/IEC 15417), in its sets B (ASCII) and C (pairs of digits).

/// Widths of bars and spaces in turn, in modules: symbol values 0 to 105.
const SYMBOLS: [&[u8; 6]; 106] = [
    b"212222", b"222122", b"222221", b"121223", b"121322", b"131222", b"122213", b"122312", b"132212",
    b"221213", b"221312", b"231212", b"112232", b"122132", b"122231", b"113222", b"123122", b"123221",
    b"223211", b"221132", b"221231", b"213212", b"223112", b"312131", b"311222", b"321122", b"321221",
    b"312212", b"322112", b"322211", b"212123", b"212321", b"232121", b"111323", b"131123", b"131321",
    b"112313", b"132113", b"132311", b"211313", b"231113", b"231311", b"112133", b"112331", b"132131",
    b"113123", b"113321", b"133121", b"313121", b"211331", b"231131", b"213113", b"213311", b"213131",
    b"311123", b"311321", b"331121", b"312113", b"312311", b"332111", b"314111", b"221411", b"431111",
    b"111224", b"111422", b"121124", b"121421", b"141122", b"141221", b"112214", b"112412", b"122114",
    b"122411", b"142112", b"142211", b"241211", b"221114", b"413111", b"241112", b"134111", b"111242",
    b"121142", b"121241", b"114212", b"124112", b"124211", b"411212", b"421112", b"421211", b"212141",
    b"214121", b"412121", b"111143", b"111341", b"131141", b"114113", b"114311", b"411113", b"411311",
    b"113141", b"114131", b"311141", b"411131", b"211412", b"211214", b"211232",
];
const STOP: &[u8; 7] = b"2331112";
const TO_C: u8 = 99;
const TO_B: u8 = 100;
const START_B: u8 = 104;
const START_C: u8 = 105;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Set {
    B,
    C,
}

/// The widths of bars and spaces in turn, a bar first, in modules. `None` for a text that is empty or not of printable
/// ASCII.
pub fn widths(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return None;
    }
    let mut values = values(text.as_bytes());
    let weighted = values.iter().enumerate().map(|(at, value)| at.max(1) * usize::from(*value));
    values.push(u8::try_from(weighted.sum::<usize>() % 103).ok()?);
    let symbols = values.iter().filter_map(|value| SYMBOLS.get(usize::from(*value)));
    let modules = symbols.flat_map(|symbol| symbol.iter()).chain(STOP);
    Some(modules.map(|digit| digit - b'0').collect())
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// The symbol values with the start, without the check. Set C is worth its change from four digits on at an end of the
/// text and from six within.
fn values(text: &[u8]) -> Vec<u8> {
    let mut values = Vec::with_capacity(text.len() + 2);
    let mut set = if digits(text) >= 4 { Set::C } else { Set::B };
    values.push(if set == Set::C { START_C } else { START_B });
    let mut rest = text;
    while let Some((&first, behind)) = rest.split_first() {
        let run = digits(rest);
        match (set, rest) {
            (Set::C, [tens, ones, behind @ ..]) if run >= 2 => {
                values.push((tens - b'0') * 10 + ones - b'0');
                rest = behind;
            }
            (Set::C, _) => {
                values.push(TO_B);
                set = Set::B;
            }
            (Set::B, _) if run.is_multiple_of(2) && (run >= 6 || run >= 4 && run == rest.len()) => {
                values.push(TO_C);
                set = Set::C;
            }
            (Set::B, _) => {
                values.push(first - b' ');
                rest = behind;
            }
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_symbol_is_eleven_modules_wide_and_its_own() {
        let distinct: BTreeSet<_> = SYMBOLS.iter().collect();
        assert_eq!(distinct.len(), SYMBOLS.len());
        for symbol in SYMBOLS {
            assert_eq!(symbol.iter().map(|digit| digit - b'0').sum::<u8>(), 11);
            let bars = symbol.iter().step_by(2).map(|digit| digit - b'0').sum::<u8>();
            assert_eq!(bars % 2, 0, "the bars of a symbol are even together");
        }
    }

    #[test]
    fn the_shorter_set_is_used_and_the_check_is_right() {
        // PJJ123C is the standard's own example, with check 54 in set A; in set B all but the start are the same: 55.
        for (text, expected) in [
            ("PJJ123C", vec![104, 48, 42, 42, 17, 18, 19, 35]),
            ("1234", vec![105, 12, 34]),
            ("12345", vec![105, 12, 34, 100, 21]),
            ("#1001", vec![104, 3, 99, 10, 1]),
            ("#12345", vec![104, 3, 17, 99, 23, 45]),
            ("A123456B", vec![104, 33, 99, 12, 34, 56, 100, 34]),
        ] {
            assert_eq!(values(text.as_bytes()), expected, "{text}");
        }
        let weighted = [104, 48, 42 * 2, 42 * 3, 17 * 4, 18 * 5, 19 * 6, 35 * 7];
        assert_eq!(weighted.iter().sum::<usize>() % 103, 55);
        let modules: u32 = widths("PJJ123C").unwrap().iter().map(|width| u32::from(*width)).sum();
        assert_eq!(modules, 11 * 9 + 13);
        assert_eq!((widths(""), widths("№1"), widths("a\n")), (None, None, None));
    }
}
