// SPDX-License-Identifier: MIT OR Apache-2.0
//! The PAM module: translates between libpam and the rules in `nightlatch`; decides nothing.
//! Follow a login: `entry` (what libpam calls), `answer_login` below, `login` (the data path), `answer` (code, text, log).
#![deny(unsafe_code)]

mod answer;
mod arguments;
mod asking;
mod conversation;
mod entry;
mod first_contact;
#[cfg(fuzzing)]
pub mod fuzzing;
mod guard;
mod login;
mod notice;

use std::ffi::CStr;
use std::mem::MaybeUninit;

use nightlatch::clock::Clock;
use nightlatch::random::Random;
use nightlatch::store::Answer;
use nightlatch::verify::judge::Occasion;
use pam::constants::PamResultCode;
use zeroizing_alloc::ZeroAlloc;

use crate::answer::{Delay, Reaction};
use crate::arguments::{Arguments, SoFar};
use crate::conversation::{Conversation, Remembered};
use crate::login::{Unjudged, Verdict, Who};

/// Almost twice what the deepest call below needs (27 KiB from the application's main on, by valgrind's massif); wiped
/// because hashes and ciphers leave keys there. Every page of it is one that a fresh process has to be given.
const STACK_TO_WIPE: usize = 25 * WIPED_AT_ONCE;
/// Below the size from which glibc's memset leaves vectors for an instruction that takes long to start.
const WIPED_AT_ONCE: usize = 2000;

/// One pam_authenticate: verdict, log line, text, delay, code.
fn answer_login(pam: &mut impl Conversation, words: &[&CStr], clock: &dyn Clock, random: &dyn Random) -> PamResultCode {
    // Copied before any conversation: the application may change items while it asks (DEPENDENCIES, pam-bindings).
    let mut occasion = Occasion::new(&pam.service(), pam.remote_host().as_deref());
    let mut who = Who::default();
    let reaction = reaction_to_login(pam, words, &mut occasion, &mut who, clock, random);
    wipe_traces();
    if let Some((level, line)) = &reaction.log {
        pam.log(*level, line);
    }
    match reaction.delay {
        Delay::AsAfterAWrongPassword => pam.suggest_delay(),
        Delay::None => {}
    }
    let Some(message) = &reaction.message else { return reaction.code };
    let user = pam.present_user();
    pam.tell(&answer::in_the_site_s_words(message, &who));
    if pam.present_user() == user {
        return reaction.code;
    }
    let (code, level, line) = answer::another_user(&who, &occasion);
    pam.log(level, &line);
    code
}

/// One pam_acct_mgmt: nothing of ours, unless authenticate has let somebody through to be enrolled here.
fn answer_account(
    pam: &mut impl Conversation,
    words: &[&CStr],
    clock: &dyn Clock,
    random: &dyn Random,
) -> PamResultCode {
    let Some(mark) = pam.marked() else { return answer::without_judging::ACCT_MGMT };
    let occasion = Occasion::new(&pam.service(), pam.remote_host().as_deref());
    let mut who = Who::default();
    let reaction = match Arguments::parse(words) {
        Ok(arguments) => {
            let result = first_contact::enroll(pam, &arguments, &mark, &mut who, clock, random);
            answer::first_contact(&result, &who, &occasion)
        }
        Err(error) => answer::wrong_arguments(&error, &occasion),
    };
    wipe_traces();
    if let Some((level, line)) = &reaction.log {
        pam.log(*level, line);
    }
    if let Some(message) = &reaction.message {
        pam.tell(message);
    }
    reaction.code
}

/// Whatever is freed is wiped first, our secrets a second time: what a dependency copied, and what a copy of ours left in
/// the padding of something else (seen: eight bytes of a key).
#[global_allocator]
static WIPING: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

/// In this order: the next symbol that ld.so binds, in libpam or the application, puts all registers onto the stack.
#[inline(never)]
fn wipe_traces() {
    entry::wipe_vector_registers();
    wipe_stack();
}

#[inline(never)]
fn wipe_stack() {
    let mut below = [const { MaybeUninit::<[u8; WIPED_AT_ONCE]>::uninit() }; STACK_TO_WIPE / WIPED_AT_ONCE];
    for piece in &mut below {
        // Looked at, as far as the compiler knows, so that it cannot leave the writing out.
        std::hint::black_box(piece.write([0; WIPED_AT_ONCE]));
    }
}

#[inline(never)]
fn reaction_to_login(
    pam: &mut impl Conversation,
    words: &[&CStr],
    occasion: &mut Occasion,
    who: &mut Who,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Reaction {
    let arguments = match Arguments::parse(words) {
        Ok(arguments) => arguments,
        Err(error) => return answer::wrong_arguments(&error, occasion),
    };
    occasion.channel = arguments.asking.channel();
    who.named = pam.user().ok();
    // Of a call before this one on the same handle, for somebody else. Within one call no line takes away what an earlier one
    // demanded, and for the same person a mark that is left over only demands an enrollment.
    let is_of_another = pam.marked().is_some_and(|mark| Some(&mark.named) != who.named.as_ref());
    if is_of_another
        && pam.remembered().is_none()
        && let Err(not_marked) = pam.mark(None)
    {
        return answer::reaction(&Err(not_marked.into()), who, occasion);
    }
    if arguments.so_far == SoFar::Refused {
        let result = Ok(Verdict::Refused(Unjudged::RefusedBefore));
        let reaction = answer::reaction(&result, who, occasion);
        pam.remember(Remembered { arguments, who: who.clone(), result });
        return reaction;
    }
    if let Some(repeated) = pam
        .remembered()
        .filter(|earlier| earlier.who.named == who.named && arguments.are_covered_by(&earlier.arguments))
        .and_then(|earlier| answer::repeated(&earlier.result, &earlier.who, occasion))
    {
        return repeated;
    }
    let result = login::authenticate(pam, &arguments, occasion, who, clock, random);
    if let Ok(Verdict::Judged(Answer::Accepted(_))) = &result
        && let Err(not_marked) = pam.mark(None)
    {
        return answer::reaction(&Err(not_marked.into()), who, occasion);
    }
    let reaction = answer::reaction(&result, who, occasion);
    pam.remember(Remembered { arguments, who: who.clone(), result });
    reaction
}

#[cfg(test)]
mod tests;
