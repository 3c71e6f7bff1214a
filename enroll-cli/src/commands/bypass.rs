// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bypass`: a code for the help desk to read out, printed once; an earlier one is void.

use std::fmt::Write as _;

use nightlatch::bypass::{BypassCode, BypassTerms};
use nightlatch::clock::UnixTime;
use nightlatch::store::OpenRecord;
use nightlatch::user::Account;
use zeroize::Zeroizing;

use crate::Outcome;
use crate::arguments::{BypassArguments, Form};
use crate::failure::{Failure, Status};
use crate::json::{self, Changed, NewBypass, SCHEMA};
use crate::site::{Site, open_record};
use crate::terminal::Terminal;

pub(crate) fn run(options: &BypassArguments, site: &Site, terminal: &Terminal) -> Outcome {
    let account = site.account(&options.user)?;
    let terms = BypassTerms::new(options.lasting.0, options.uses)
        .ok_or_else(|| Failure::usage("a bypass code holds for 1 minute to 7 days", "say --for 30m, 1h or 2d"))?;
    let store = site.store()?;
    let (open, now) = (open_record(&store, &account)?, site.now()?.wall);
    terminal.interruption().settle();
    if options.revoke {
        return revoke(open, now, &account, terminal);
    }
    let is_replaced = nightlatch::verify::judge::bypass_uses_left(open.record(), open.ledger(), now) > 0;
    let code = open.grant_bypass(terms, now)?;
    let (user, until) = (account.name().as_str(), now.plus(options.lasting.0));
    if is_replaced {
        terminal.note(&format!("An earlier bypass code of {user} is void."));
    }
    let printed = match terminal.form() {
        Form::Json => terminal.result(&json::line(&NewBypass {
            schema: SCHEMA,
            changed: true,
            user,
            uid: account.uid(),
            bypass_code: code.expose_code(),
            until: until.to_string(),
            uses: options.uses,
        })),
        Form::Text => terminal.result(text(&code, user, until, options.uses).as_bytes()),
    };
    printed.map_err(|source| Failure::HandoutLost {
        user: user.to_owned(),
        remedy: format!("'nightlatch bypass {user}' makes a new one"),
        source: Box::new(source),
    })?;
    Ok(Status::Done)
}

fn revoke(open: OpenRecord<'_>, now: UnixTime, account: &Account, terminal: &Terminal) -> Outcome {
    let (user, uid) = (account.name().as_str(), account.uid());
    let changed = open.revoke_bypass(now)?;
    match terminal.form() {
        Form::Json => terminal.result(&json::line(&Changed { schema: SCHEMA, changed, user: Some(user), uid }))?,
        Form::Text if changed => terminal.result(format!("the bypass code of {user} is void\n").as_bytes())?,
        Form::Text => terminal.result(format!("{user} had no bypass code: nothing to do\n").as_bytes())?,
    }
    Ok(Status::Done)
}

/// The code, and each group in words: half of the alphabet sounds like the other half on a telephone.
fn text(code: &BypassCode, user: &str, until: UnixTime, uses: u16) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2048));
    let times = if uses == 1 { "once".to_owned() } else { format!("{uses} times") };
    // Writing to a string cannot fail.
    let _: std::fmt::Result = writeln!(
        text,
        "Bypass code of {user}. It works {times} in place of a code, until {}.\n\
         Make sure who asks, then read it out: it is never shown again.\n\n  {}\n",
        until.to_the_minute(),
        code.expose_code()
    );
    for group in code.expose_code().split('-') {
        let _: std::fmt::Result = write!(text, "  {group} ");
        for symbol in group.chars() {
            let _: std::fmt::Result = write!(text, " {}", spoken(symbol));
        }
        text.push('\n');
    }
    text
}

/// The alphabet of radio operators, for the symbols that a code has.
fn spoken(symbol: char) -> &'static str {
    match symbol {
        '0' => "zero",
        '1' => "one",
        '2' => "two",
        '3' => "three",
        '4' => "four",
        '5' => "five",
        '6' => "six",
        '7' => "seven",
        '8' => "eight",
        '9' => "nine",
        'A' => "Alfa",
        'B' => "Bravo",
        'C' => "Charlie",
        'D' => "Delta",
        'E' => "Echo",
        'F' => "Foxtrot",
        'G' => "Golf",
        'H' => "Hotel",
        'J' => "Juliett",
        'K' => "Kilo",
        'M' => "Mike",
        'N' => "November",
        'P' => "Papa",
        'Q' => "Quebec",
        'R' => "Romeo",
        'S' => "Sierra",
        'T' => "Tango",
        'V' => "Victor",
        'W' => "Whiskey",
        'X' => "X-ray",
        'Y' => "Yankee",
        'Z' => "Zulu",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::spoken;

    #[test]
    fn every_symbol_of_a_code_has_a_word_that_begins_with_it() {
        for symbol in "0123456789ABCDEFGHJKMNPQRSTVWXYZ".chars() {
            assert!(symbol.is_ascii_digit() || spoken(symbol).starts_with(symbol), "{symbol}");
            assert_ne!(spoken(symbol), "?");
        }
    }
}
