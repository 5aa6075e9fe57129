//! HTML entities, as channels write them into names and messages.

/// Names and messages come with HTML entities.
pub(crate) fn plain_text(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let entity = after.split_once(';').and_then(|(name, tail)| Some((decoded(name)?, tail)));
        rest = match entity {
            Some((character, tail)) => {
                out.push(character);
                tail
            }
            None => {
                out.push('&');
                after
            }
        };
    }
    out.push_str(rest);
    out
}

/// The entities that WordPress writes; others are left as they are.
fn decoded(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    let named = [
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("apos", '\''),
        ("nbsp", '\u{a0}'),
        ("ndash", '–'),
        ("mdash", '—'),
        ("hellip", '…'),
        ("lsquo", '‘'),
        ("rsquo", '’'),
        ("ldquo", '“'),
        ("rdquo", '”'),
        ("times", '×'),
        ("copy", '©'),
        ("reg", '®'),
        ("trade", '™'),
        ("deg", '°'),
        ("euro", '€'),
    ];
    named.iter().find(|(known, _)| *known == name).map(|(_, character)| *character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_are_decoded_once() {
        let cases = [
            ("Enamel Mug &amp; Saucer", "Enamel Mug & Saucer"),
            ("&amp;lt;", "&lt;"),
            ("5 &#8211; 6 &#x2713; &euro;", "5 – 6 ✓ €"),
            ("Black & White; &nothing; &", "Black & White; &nothing; &"),
            ("&#1114112; &#xD800;", "&#1114112; &#xD800;"),
        ];
        for (html, text) in cases {
            assert_eq!(plain_text(html), text);
        }
    }
}
