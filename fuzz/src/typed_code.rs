// SPDX-License-Identifier: MIT OR Apache-2.0
//! Replies to the prompt: what is read as a code, against a plain reading of the documents' sentences.

use nightlatch::combined::{CodePlace, Combined};
use nightlatch::fuzzing::{Reading, reading};
use nightlatch::secret::{NotACode, TypedCode};

/// The first byte says how many of the others are the password; 255 stands for none.
///
/// # Panics
///
/// Where a promise is broken.
pub fn try_input(input: &[u8]) {
    let Some((&length, rest)) = input.split_first() else { return };
    let (password, reply) = match length {
        u8::MAX => (None, rest),
        length => {
            let (password, reply) = rest.split_at(usize::from(length).min(rest.len()));
            (Some(password), reply)
        }
    };
    for (password, reply) in [(password, reply), (password, password.unwrap_or(reply)), (None, reply)] {
        let read = TypedCode::parse(reply, password);
        match (&read, expected(reply, password)) {
            (Ok(code), Some(expected)) => {
                assert_eq!(reading(code), expected);
                is_read_however_it_is_typed(expected);
            }
            (Err(_), None) => {}
            (Ok(_), None) => panic!("read as a code, and is none"),
            (Err(cause), Some(expected)) => panic!("{cause:?}, and is {expected:?}"),
        }
        in_one_with_a_password(reply);
        if let Err(cause) = read {
            assert_eq!(cause == NotACode::JunkPassword, reply.starts_with(b"\x08\n\r\x7fINCORRECT"));
        }
    }
}

/// The same bytes as a text with password and code: at either end, exactly as the documents say it.
fn in_one_with_a_password(text: &[u8]) {
    for place in [CodePlace::End, CodePlace::Start] {
        let read = Combined::read(text, place).map(|combined| reading(combined.code()));
        let piece = |bytes: usize| match place {
            _ if text.len() <= bytes => None,
            CodePlace::End => std::str::from_utf8(&text[text.len() - bytes..]).ok(),
            CodePlace::Start => std::str::from_utf8(&text[..bytes]).ok(),
        };
        let number = |digits| -> Option<u32> {
            piece(digits).filter(|piece| piece.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
        };
        let in_groups = piece(19).filter(|piece| {
            piece
                .bytes()
                .enumerate()
                .all(|(n, byte)| if n % 5 == 4 { byte == b'-' } else { byte.is_ascii_alphanumeric() })
        });
        let (six, seven, eight) = (number(6), number(7), number(8));
        let expected = match in_groups {
            _ if text.len() > 512 || text.starts_with(b"\x08\n\r\x7fINCORRECT") => None,
            Some(printed) => expected(printed.as_bytes(), None),
            None => six.or(seven).or(eight).map(|_| Reading::Embedded { six, seven, eight }),
        };
        assert_eq!(read.ok(), expected, "{place:?}");
    }
}

fn expected(reply: &[u8], password: Option<&[u8]>) -> Option<Reading> {
    if reply.len() > 512 || password == Some(reply) && !reply.is_empty() {
        return None;
    }
    let text = String::from_utf8(reply.to_vec()).ok()?;
    let symbols: String = text.chars().filter(|c| !c.is_whitespace() && !DASHES.contains(*c)).map(narrow).collect();
    match symbols.len() {
        6..=8 if symbols.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(Reading::OneTime { digits: symbols.len() as u8, value: symbols.parse().ok()? })
        }
        16 => {
            let values: Option<Vec<u8>> = symbols.chars().map(worth).collect();
            let values = values?;
            let check = values[..15].iter().fold(0, |sum, value| times_x(sum ^ value));
            let spelled: Vec<u8> = values.iter().map(|value| CROCKFORD.as_bytes()[usize::from(*value)]).collect();
            (check == values[15]).then(|| Reading::Backup(spelled.try_into().expect("sixteen")))
        }
        _ => None,
    }
}

const DASHES: &str = "-\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2015}\u{2212}\u{ff0d}";
const CROCKFORD: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

fn narrow(character: char) -> char {
    match character {
        '！'..='～' => char::from_u32(u32::from(character) - u32::from('！') + u32::from('!')).expect("ASCII"),
        other => other,
    }
}

fn worth(symbol: char) -> Option<u8> {
    let upper = match symbol.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    CROCKFORD.find(upper).map(|place| place as u8)
}

/// In GF(32) with x^5 = x^2 + 1, as a table of what the top bit becomes.
fn times_x(element: u8) -> u8 {
    (element << 1 & 0x1f) ^ [0, 0b101][usize::from(element >> 4)]
}

fn is_read_however_it_is_typed(read: Reading) {
    let plain = match read {
        Reading::OneTime { digits, value } => format!("{value:0width$}", width = usize::from(digits)),
        Reading::Backup(spelled) => String::from_utf8(spelled.to_vec()).expect("ASCII"),
        Reading::Embedded { .. } => panic!("nobody typed a password"),
    };
    let spaced: String = plain.chars().flat_map(|c| [c, ' ', '-']).collect();
    let wide: String = plain.chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).expect("full-width")).collect();
    for typed in [plain.clone(), spaced, wide, plain.to_lowercase(), format!("\u{a0}{plain}\n")] {
        let again = TypedCode::parse(typed.as_bytes(), None).map(|code| reading(&code));
        assert_eq!(again, Ok(read), "{typed:?}");
        assert!(TypedCode::parse(typed.as_bytes(), Some(typed.as_bytes())).is_err(), "the password again");
    }
}
