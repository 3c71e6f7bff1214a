// SPDX-License-Identifier: MIT OR Apache-2.0
//! Backup codes: how they are drawn, spelled, checked for typing errors and hashed. Knows nothing of who used which.
//!
//! Sixteen symbols of Crockford's base32: the index of the code, fourteen random ones (70 bits), a check symbol.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, Zeroizing};

use crate::clock::UnixTime;
use crate::error::Fault;
use crate::random::Random;

/// Symbols of a code.
pub const SYMBOLS: usize = 16;
/// Bytes of a code as it is printed: four groups of four, with dashes between them.
pub const PRINTED_BYTES: usize = 19;
/// The most codes that a set may have; indices above are kept for codes of other kinds.
pub const MAX_CODES: u8 = 20;
/// The most codes of google-authenticator that a set may have: as many as that program makes. Each eight digits that are
/// judged are held against all of them.
pub const MAX_INHERITED: u8 = 10;
/// The index of a bypass code, spelled X: what is typed says by itself which hash it is held against.
pub(crate) const BYPASS_INDEX: u8 = 29;

pub(crate) const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The symbols of one code as numbers from 0 to 31, the last one fitting the others.
pub(crate) struct Symbols(Box<[u8; SYMBOLS]>);

impl Zeroize for Symbols {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl Drop for Symbols {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl Symbols {
    /// Reads sixteen ASCII characters: either case, O for 0, I and L for 1 (Crockford).
    pub(crate) fn parse(ascii: &[u8]) -> Result<Self, crate::secret::NotACode> {
        use crate::secret::NotACode;
        let mut symbols = Self(Box::new([0; SYMBOLS]));
        if ascii.len() != SYMBOLS {
            return Err(NotACode::WrongLength);
        }
        for (symbol, character) in symbols.0.iter_mut().zip(ascii) {
            *symbol = value_of(*character).ok_or(NotACode::WrongSymbols)?;
        }
        let [body @ .., check] = &*symbols.0;
        if check_symbol(body) == *check { Ok(symbols) } else { Err(NotACode::BackupCodeTypo) }
    }

    pub(crate) fn draw(index: u8, random: &dyn Random) -> Result<Self, Fault> {
        let mut symbols = Self(Box::new([0; SYMBOLS]));
        random.fill(&mut *symbols.0)?;
        for symbol in symbols.0.iter_mut() {
            *symbol &= 31;
        }
        let [first, .., _] = &mut *symbols.0;
        *first = index & 31;
        let [body @ .., check] = &mut *symbols.0;
        *check = check_symbol(body);
        Ok(symbols)
    }

    pub(crate) fn index(&self) -> u8 {
        let [index, ..] = &*self.0;
        *index
    }

    /// The canonical spelling: upper case, no dashes. It is what is hashed.
    pub(crate) fn spelling(&self) -> Zeroizing<[u8; SYMBOLS]> {
        let mut ascii = Zeroizing::new([0; SYMBOLS]);
        for (character, symbol) in ascii.iter_mut().zip(self.0.iter()) {
            *character = ALPHABET.get(usize::from(*symbol)).copied().unwrap_or(b'0');
        }
        ascii
    }
}

pub(crate) fn value_of(character: u8) -> Option<u8> {
    let canonical = match character.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        other => other,
    };
    let position = ALPHABET.iter().position(|symbol| *symbol == canonical)?;
    u8::try_from(position).ok()
}

/// A weighted sum over GF(32): every single wrong symbol and every swap of two changes it, since the weights are
/// distinct powers of a generator of the field's multiplicative group (order 31).
pub(crate) fn check_symbol(body: &[u8]) -> u8 {
    // Horner's rule: each step multiplies by the generator x of GF(2)[x] / (x^5 + x^2 + 1).
    body.iter().fold(0, |sum, symbol| times_x(sum ^ symbol))
}

pub(crate) fn times_x(element: u8) -> u8 {
    let shifted = (element & 31) << 1;
    if shifted & 32 == 0 { shifted } else { (shifted ^ 0b10_0101) & 31 }
}

/// What a hash costs. Kept in the record, so that it can grow without voiding codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCost {
    /// KiB of memory, 8 to 65,536.
    pub memory_kib: u32,
    /// Passes over the memory, 1 to 16.
    pub passes: u32,
}

impl HashCost {
    /// 512 KiB, one pass: 70 random bits carry the security, the hash meets NIST 800-63B-4 §3.1.2.2.
    pub const DEFAULT: Self = Self { memory_kib: 512, passes: 1 };

    pub(crate) fn is_in_range(self) -> bool {
        (8..=65_536).contains(&self.memory_kib) && (1..=16).contains(&self.passes)
    }
}

/// The hash of one code.
#[derive(Clone, Copy)]
pub struct BackupHash {
    /// 128 random bits of its own (NIST 800-63B-4 §3.1.2.2: at least 32).
    pub salt: [u8; 16],
    /// Argon2id, 32 bytes.
    pub hash: [u8; 32],
}

impl BackupHash {
    pub(crate) fn of(symbols: &Symbols, cost: HashCost, random: &dyn Random) -> Result<Self, Fault> {
        let mut salt = [0; 16];
        random.fill(&mut salt)?;
        Ok(Self { salt, hash: HashMemory::for_cost(cost)?.hash(symbols.spelling().as_slice(), &salt)? })
    }

    /// Whether it is the hash of this code. One evaluation, whether there is a hash or not, so that time does not tell.
    #[inline(never)] // Argon2 is large, and once in every sshd is enough
    pub(crate) fn fits(entry: Option<&Self>, cost: HashCost, symbols: &Symbols) -> Result<bool, Fault> {
        let salt = entry.map_or([0; 16], |entry| entry.salt);
        let hash = HashMemory::for_cost(cost)?.hash(symbols.spelling().as_slice(), &salt)?;
        Ok(entry.is_some_and(|entry| bool::from(entry.hash.ct_eq(&hash))))
    }
}

/// Eight digits that google-authenticator called a scratch code.
///
/// ```compile_fail,E0277
/// fn show(code: &nightlatch::backup::EightDigits) { println!("{code:?}"); }
/// ```
pub struct EightDigits(Zeroizing<[u8; 8]>);

impl EightDigits {
    /// `None` outside of 10000000 to 99999999: what that program never makes, and never accepts.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        (10_000_000..=99_999_999).contains(&number).then(|| Self::spelled(number))
    }

    /// What is typed may begin with zeros; it is then no such code, and looks for itself all the same.
    fn spelled(number: u32) -> Self {
        let mut digits = Zeroizing::new([b'0'; 8]);
        let mut rest = Zeroizing::new(number);
        for digit in digits.iter_mut().rev() {
            *digit = b'0'.saturating_add(u8::try_from(rest.rem_euclid(10)).unwrap_or(0));
            *rest = rest.div_euclid(10);
        }
        Self(digits)
    }

    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        bool::from(self.0.ct_eq(other.0.as_slice()))
    }
}

/// How the codes of a set are spelled: a set is of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// Sixteen symbols, drawn here. The first says which code it is.
    Symbols,
    /// Eight digits, taken over from google-authenticator. They do not say which code they are, and have 26 random bits:
    /// the throttle and the seal carry them, until a set of ours takes their place.
    EightDigits,
}

/// A person's set of codes as the record keeps it.
pub struct BackupCodes {
    /// When the set was made, or taken over.
    pub made_at: UnixTime,
    /// What its codes look like.
    pub spelling: Spelling,
    /// What each hash costs.
    pub cost: HashCost,
    /// By index.
    pub codes: Vec<BackupHash>,
}

/// The codes as the person gets them, once.
///
/// ```compile_fail,E0277
/// fn show(sheet: &nightlatch::backup::BackupSheet) { println!("{sheet:?}"); }
/// ```
pub struct BackupSheet(Vec<Zeroizing<String>>);

impl BackupSheet {
    /// Of an enrollment that makes no codes.
    pub(crate) fn empty() -> Self {
        Self(Vec::new())
    }

    /// `ABCD-EFGH-JKMN-PQRS`, in the order of their indices.
    pub fn expose_codes(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|code| code.as_str())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl BackupCodes {
    /// Draws a set of `count` codes (20 at most): the sheet for the person, the hashes for the record.
    ///
    /// # Errors
    ///
    /// [`Fault::NoRandomness`], [`Fault::NoMemory`].
    pub fn generate(count: u8, now: UnixTime, random: &dyn Random) -> Result<(BackupSheet, Self), Fault> {
        let cost = HashCost::DEFAULT;
        let mut memory = HashMemory::for_cost(cost)?;
        let (mut sheet, mut codes) = (Vec::new(), Vec::new());
        for index in 0..count.min(MAX_CODES) {
            let symbols = Symbols::draw(index, random)?;
            let mut salt = [0; 16];
            random.fill(&mut salt)?;
            codes.push(BackupHash { salt, hash: memory.hash(symbols.spelling().as_slice(), &salt)? });
            sheet.push(grouped(&symbols));
        }
        Ok((BackupSheet(sheet), Self { made_at: now, spelling: Spelling::Symbols, cost, codes }))
    }

    /// Hashes the codes that a person has from google-authenticator, the first [`MAX_INHERITED`] of them; none of them
    /// twice, or it could be used twice. Without any it is an empty set of ours.
    ///
    /// # Errors
    ///
    /// [`Fault::NoRandomness`], [`Fault::NoMemory`].
    pub fn inherited(theirs: &[EightDigits], now: UnixTime, random: &dyn Random) -> Result<Self, Fault> {
        let cost = HashCost::DEFAULT;
        let mut memory = HashMemory::for_cost(cost)?;
        let mut codes = Vec::new();
        let first_of_its_kind =
            |(place, code): &(usize, &EightDigits)| !theirs.iter().take(*place).any(|before| before.is_same_as(code));
        for (_, code) in theirs.iter().enumerate().filter(first_of_its_kind).take(usize::from(MAX_INHERITED)) {
            let mut salt = [0; 16];
            random.fill(&mut salt)?;
            codes.push(BackupHash { salt, hash: memory.hash(code.0.as_slice(), &salt)? });
        }
        let spelling = if codes.is_empty() { Spelling::Symbols } else { Spelling::EightDigits };
        Ok(Self { made_at: now, spelling, cost, codes })
    }

    /// The index of these eight digits among inherited codes, used ones too. All of them are evaluated whatever fits.
    ///
    /// # Errors
    ///
    /// [`Fault::NoMemory`].
    #[inline(never)] // Argon2 is large, and once in every sshd is enough
    pub(crate) fn index_of(&self, number: u32) -> Result<Option<u8>, Fault> {
        let typed = EightDigits::spelled(number);
        let mut memory = HashMemory::for_cost(self.cost)?;
        let mut found = None;
        for (index, entry) in (0..MAX_INHERITED).zip(&self.codes) {
            let hash = memory.hash(typed.0.as_slice(), &entry.salt)?;
            if bool::from(entry.hash.ct_eq(&hash)) {
                found = Some(index);
            }
        }
        Ok(found)
    }

    /// Whether this is the code with that index.
    ///
    /// # Errors
    ///
    /// [`Fault::NoMemory`].
    pub(crate) fn holds(&self, symbols: &Symbols) -> Result<bool, Fault> {
        BackupHash::fits(self.codes.get(usize::from(symbols.index())), self.cost, symbols)
    }
}

/// `ABCD-EFGH-JKMN-PQRS`.
pub(crate) fn grouped(symbols: &Symbols) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(SYMBOLS.saturating_add(3)));
    for (place, character) in symbols.spelling().iter().enumerate() {
        if place > 0 && place.is_multiple_of(4) {
            text.push('-');
        }
        text.push(char::from(*character));
    }
    text
}

/// Argon2's working memory, had once for a whole set and wiped after.
struct HashMemory {
    argon2: Argon2<'static>,
    blocks: Vec<Block>,
}

impl HashMemory {
    fn for_cost(cost: HashCost) -> Result<Self, Fault> {
        let params = Params::new(cost.memory_kib, cost.passes, 1, Some(32)).map_err(|_| Fault::NoMemory)?;
        let mut blocks = Vec::new();
        blocks.try_reserve_exact(params.block_count()).map_err(|_| Fault::NoMemory)?;
        blocks.resize_with(params.block_count(), Block::new);
        Ok(Self { argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params), blocks })
    }

    #[inline(never)] // Argon2 is large, and once in every sshd is enough
    fn hash(&mut self, spelling: &[u8], salt: &[u8; 16]) -> Result<[u8; 32], Fault> {
        let mut hash = [0; 32];
        self.argon2
            .hash_password_into_with_memory(spelling, salt, &mut hash, &mut self.blocks)
            .map_err(|_| Fault::NoMemory)?;
        Ok(hash)
    }
}

impl Drop for HashMemory {
    fn drop(&mut self) {
        for block in &mut self.blocks {
            block.zeroize();
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "small numbers in tests")]
mod tests {
    use super::*;
    use crate::random::SystemRandom;
    use crate::secret::{NotACode, TypedCode};

    fn a_set() -> (Vec<String>, BackupCodes) {
        let (sheet, codes) = BackupCodes::generate(10, UnixTime(1), &SystemRandom).unwrap();
        (sheet.expose_codes().map(str::to_owned).collect(), codes)
    }

    fn parse(code: &str) -> Result<Symbols, NotACode> {
        let plain: Vec<u8> = code.bytes().filter(|b| *b != b'-').collect();
        Symbols::parse(&plain)
    }

    #[test]
    fn wiped_symbols_are_zeros() {
        let mut symbols = Symbols::draw(3, &SystemRandom).unwrap();
        symbols.zeroize();
        assert_eq!(*symbols.0, [0; SYMBOLS]);
    }

    #[test]
    fn a_sheet_holds_as_many_codes_as_asked_for_each_in_four_groups_of_four() {
        for count in [0, 1, 20] {
            let (sheet, codes) = BackupCodes::generate(count, UnixTime(1), &SystemRandom).unwrap();
            assert_eq!((sheet.len(), sheet.is_empty()), (usize::from(count), count == 0));
            assert_eq!(codes.codes.len(), sheet.len());
            for code in sheet.expose_codes() {
                assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4; 4], "{code}");
            }
        }
    }

    /// docs/FORMAT.md, by a table of the powers of x instead of shifts.
    #[test]
    fn the_check_symbol_is_the_one_of_the_format() {
        const POWERS: [u8; 31] = [
            1, 2, 4, 8, 16, 5, 10, 20, 13, 26, 17, 7, 14, 28, 29, 31, 27, 19, 3, 6, 12, 24, 21, 15, 30, 25, 23, 11, 22,
            9, 18,
        ];
        let times = |symbol: u8, power: usize| match POWERS.iter().position(|known| *known == symbol) {
            Some(logarithm) => POWERS[(logarithm + power) % 31],
            None => 0,
        };
        for index in 0..20 {
            let symbols = Symbols::draw(index, &SystemRandom).unwrap();
            let terms = symbols.0[..15].iter().enumerate().map(|(place, symbol)| times(*symbol, 15 - place));
            assert_eq!(symbols.0[15], terms.fold(0, |sum, term| sum ^ term));
        }
    }

    #[test]
    fn each_code_of_a_set_is_held_and_no_other() {
        let (sheet, codes) = a_set();
        for code in &sheet {
            assert!(codes.holds(&parse(code).unwrap()).unwrap());
            assert!(codes.holds(&parse(&code.to_lowercase()).unwrap()).unwrap());
        }
        let (others, _) = a_set();
        for code in &others {
            assert!(!codes.holds(&parse(code).unwrap()).unwrap());
        }
    }

    #[test]
    fn an_index_beyond_the_set_is_not_held() {
        let (_, codes) = a_set();
        let beyond = Symbols::draw(15, &SystemRandom).unwrap();
        assert!(!codes.holds(&beyond).unwrap());
        let empty = BackupCodes { codes: Vec::new(), ..codes };
        assert!(!empty.holds(&beyond).unwrap());
    }

    #[test]
    fn every_single_wrong_symbol_is_a_typing_error() {
        let (sheet, _) = a_set();
        let code: Vec<u8> = sheet[3].bytes().filter(|b| *b != b'-').collect();
        for place in 0..SYMBOLS {
            for symbol in ALPHABET {
                let mut wrong = code.clone();
                wrong[place] = *symbol;
                assert_eq!(Symbols::parse(&wrong).is_ok(), wrong == code, "place {place}");
            }
        }
    }

    #[test]
    fn every_swap_of_two_symbols_is_a_typing_error() {
        let (sheet, _) = a_set();
        let code: Vec<u8> = sheet[7].bytes().filter(|b| *b != b'-').collect();
        for (a, b) in (0..SYMBOLS).flat_map(|a| (0..a).map(move |b| (a, b))) {
            let mut swapped = code.clone();
            swapped.swap(a, b);
            assert_eq!(Symbols::parse(&swapped).is_ok(), swapped == code, "{a} and {b}");
        }
    }

    #[test]
    fn letters_that_look_like_digits_are_read_as_digits() {
        let mut symbols = Symbols(Box::new([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0]));
        symbols.0[15] = check_symbol(&symbols.0[..15]);
        let spelled = String::from_utf8(symbols.spelling().to_vec()).unwrap();
        let (body, check) = spelled.split_at(15);
        for (zero, one) in [('O', 'I'), ('o', 'l'), ('0', 'L')] {
            let typed: String = body.chars().map(|c| if c == '0' { zero } else { one }).collect();
            assert!(Symbols::parse(format!("{typed}{check}").as_bytes()).is_ok());
        }
    }

    #[test]
    fn a_code_at_the_prompt_is_known_as_a_backup_code() {
        let (sheet, _) = a_set();
        assert!(TypedCode::parse(sheet[0].as_bytes(), None).is_ok());
        assert!(TypedCode::parse(sheet[0].to_lowercase().replace('-', " ").as_bytes(), None).is_ok());
        let wrong = sheet[0].replace(|c: char| c != '-', "U");
        assert!(matches!(TypedCode::parse(wrong.as_bytes(), None), Err(NotACode::WrongSymbols)));
    }

    #[test]
    fn argon2id_agrees_with_the_reference_program() {
        // Referee: printf %s 0123456789ABCDEF | argon2 saltsaltsaltsalt -id -t 1 -k 512 -p 1 -l 32 -r
        let mut memory = HashMemory::for_cost(HashCost::DEFAULT).unwrap();
        let symbols = Symbols(Box::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]));
        let hash = memory.hash(symbols.spelling().as_slice(), b"saltsaltsaltsalt").unwrap();
        assert_eq!(
            data_encoding::HEXLOWER.encode(&hash),
            "0a2499d8239bfef0d004f6125a7b8ceaa2e7ffa283b51db49a61ff60ac78a2cc"
        );
    }

    fn theirs(numbers: &[u32]) -> Vec<EightDigits> {
        numbers.iter().map(|number| EightDigits::new(*number).unwrap()).collect()
    }

    #[test]
    fn eight_digits_of_google_authenticator_begin_with_no_zero() {
        for (number, is_one) in [(9_999_999, false), (10_000_000, true), (99_999_999, true), (100_000_000, false)] {
            assert_eq!(EightDigits::new(number).is_some(), is_one, "{number}");
        }
    }

    #[test]
    fn each_inherited_code_is_found_at_its_place_and_no_other_is() {
        let set = BackupCodes::inherited(&theirs(&[12_345_678, 87_654_321, 10_000_000]), UnixTime(1), &SystemRandom);
        let set = set.unwrap();
        assert_eq!((set.spelling, set.codes.len()), (Spelling::EightDigits, 3));
        for (number, index) in [
            (12_345_678, Some(0)),
            (87_654_321, Some(1)),
            (10_000_000, Some(2)),
            (12_345_679, None),
            (0, None),
            (2_345_678, None),
        ] {
            assert_eq!(set.index_of(number).unwrap(), index, "{number}");
        }
        assert!(!set.holds(&Symbols::draw(0, &SystemRandom).unwrap()).unwrap());
    }

    #[test]
    fn an_inherited_set_has_no_code_twice_and_ten_at_most() {
        let set = |numbers: &[u32]| BackupCodes::inherited(&theirs(numbers), UnixTime(1), &SystemRandom).unwrap();
        let twice = set(&[12_345_678, 12_345_678, 87_654_321, 12_345_678]);
        assert_eq!((twice.codes.len(), twice.index_of(87_654_321).unwrap()), (2, Some(1)));
        let many: Vec<u32> = (10_000_000..10_000_012).collect();
        assert_eq!(set(&many).codes.len(), 10);
        let none = set(&[]);
        assert_eq!((none.spelling, none.codes.len()), (Spelling::Symbols, 0));
    }

    #[test]
    fn the_hash_of_eight_digits_agrees_with_the_reference_program() {
        // Referee: printf %s 12345678 | argon2 saltsaltsaltsalt -id -t 1 -k 512 -p 1 -l 32 -r
        let mut memory = HashMemory::for_cost(HashCost::DEFAULT).unwrap();
        let code = EightDigits::new(12_345_678).unwrap();
        let hash = memory.hash(code.0.as_slice(), b"saltsaltsaltsalt").unwrap();
        assert_eq!(
            data_encoding::HEXLOWER.encode(&hash),
            "07cb6491e2ff3c7ddf0c8a7f7e14a2636c740254fe380e1d327894e4d4e322bf"
        );
    }
}
