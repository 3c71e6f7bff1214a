// SPDX-License-Identifier: MIT OR Apache-2.0
//! What libpam calls, and what we call in libpam: the only file with unsafe. Every pointer that comes in is copied from
//! or checked here; nothing above knows that there are pointers.
#![allow(unsafe_code, reason = "the boundary to libpam, which is C; nowhere else in the workspace")]

#[cfg(target_arch = "x86_64")]
use std::arch::asm;
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};

use nightlatch::audit::LogLine;
use nightlatch::clock::SystemClock;
use nightlatch::random::{Random as _, SystemRandom};
use pam::constants::{
    PAM_ERROR_MSG, PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON, PAM_SILENT, PAM_TEXT_INFO, PamFlag, PamResultCode,
};
use pam::module::{PamHandle, PamHooks};
use zeroize::{Zeroize as _, Zeroizing};

use crate::answer;
use crate::conversation::{Conversation, Level, Message, NoReply, NoUser, NotHandedOn, NotMarked, Remembered};
use crate::first_contact::Mark;
use crate::guard::guarded;

/// The module as libpam sees it.
pub(crate) struct Nightlatch;

mod hooks {
    #![allow(
        unreachable_pub,
        missing_docs,
        clippy::undocumented_unsafe_blocks,
        reason = "the expansion of pam-bindings' macro: six exported functions that call the trait below"
    )]
    use super::Nightlatch;
    pam::pam_hooks!(Nightlatch);
}

impl PamHooks for Nightlatch {
    fn sm_authenticate(pamh: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        on_guard(pamh, flags, |pam| crate::answer_login(pam, &args, &SystemClock, &SystemRandom))
    }

    fn sm_setcred(pamh: &mut PamHandle, _args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        on_guard(pamh, flags, |_| answer::without_judging::SETCRED)
    }

    fn acct_mgmt(pamh: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        on_guard(pamh, flags, |pam| crate::answer_account(pam, &args, &SystemClock, &SystemRandom))
    }

    fn sm_chauthtok(pamh: &mut PamHandle, _args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        on_guard(pamh, flags, |_| answer::without_judging::CHAUTHTOK)
    }

    fn sm_open_session(pamh: &mut PamHandle, _args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        on_guard(pamh, flags, |_| answer::without_judging::OPEN_SESSION)
    }

    fn sm_close_session(pamh: &mut PamHandle, _args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        on_guard(pamh, flags, |_| answer::without_judging::CLOSE_SESSION)
    }
}

fn on_guard(
    pamh: &mut PamHandle,
    flags: PamFlag,
    body: impl FnOnce(&mut Libpam<'_>) -> PamResultCode,
) -> PamResultCode {
    let mut pam = Libpam { handle: pamh, flags };
    match guarded(|| body(&mut pam)) {
        Ok(code) => code,
        Err(panicked) => {
            crate::wipe_traces();
            let (code, level, line) = answer::panicked(&panicked);
            // What panicked may have been the log.
            drop(guarded(|| pam.log(level, &line)));
            code
        }
    }
}

/// Hashes and ciphers leave keys in them, and so does libc's memcpy, in the upper sixteen of AVX-512. On other processors
/// they stay until somebody computes in them.
pub(crate) fn wipe_vector_registers() {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::_xgetbv;

        #[target_feature(enable = "xsave")]
        fn register_files() -> u64 {
            // SAFETY: register 0 is there wherever the instruction is.
            unsafe { _xgetbv(0) }
        }
        const CPUID_INDEX_1: c_uint = 0;
        const OSXSAVE: c_uint = 1 << 27;
        const AVX: u64 = 0b110;
        const AVX_512: u64 = 0b1110_0110;
        // libc has asked the processor when the process began. On a virtual machine each question is a trap into the host,
        // 5 µs and more here, and std would ask all of them at the first.
        // SAFETY: libc's answer is a table that lasts as long as the process, or null where it has none.
        let leaf = unsafe { __x86_get_cpuid_feature_leaf(CPUID_INDEX_1).as_ref() };
        if leaf.is_none_or(|leaf| leaf.asked_of_the_processor.ecx & OSXSAVE == 0) {
            return;
        }
        // SAFETY: the kernel has switched the instruction on (just asked).
        let enabled = unsafe { register_files() };
        if enabled & AVX_512 == AVX_512 {
            // SAFETY: processor and kernel have these registers (just asked); by the psABI no caller keeps anything in
            // them; neither memory, stack nor flags are touched.
            unsafe {
                asm!(
                    ".irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31",
                    "vpxord zmm\\n, zmm\\n, zmm\\n",
                    ".endr",
                    clobber_abi("C"),
                    options(nomem, nostack, preserves_flags)
                );
            }
        }
        if enabled & AVX == AVX {
            // SAFETY: the same for AVX; the lower sixteen at whatever width they have.
            unsafe { asm!("vzeroall", clobber_abi("C"), options(nomem, nostack, preserves_flags)) }
        }
    }
}

// Linux-PAM's _pam_types.h and syslog.h, as far as they are used.
const PAM_SERVICE: c_int = 1;
const PAM_USER: c_int = 2;
const PAM_RHOST: c_int = 4;
const PAM_CONV: c_int = 5;
const PAM_AUTHTOK: c_int = 6;
const PAM_OLDAUTHTOK: c_int = 7;
const LOG_AUTHPRIV: c_int = 10 << 3;
/// Two seconds, as after a wrong password (pam_unix).
const FAIL_DELAY_MICROSECONDS: c_uint = 2_000_000;
/// The most bytes that are taken of an item: no user, service or host is longer.
const MAX_ITEM_BYTES: usize = 4096;

/// sys/platform/x86.h of glibc, since 2.33.
#[cfg(target_arch = "x86_64")]
#[repr(C)]
struct CpuidLeaf {
    asked_of_the_processor: CpuidRegisters,
    in_use: CpuidRegisters,
}

#[cfg(target_arch = "x86_64")]
#[repr(C)]
struct CpuidRegisters {
    eax: c_uint,
    ebx: c_uint,
    ecx: c_uint,
    edx: c_uint,
}

#[cfg(target_arch = "x86_64")]
unsafe extern "C" {
    fn __x86_get_cpuid_feature_leaf(index: c_uint) -> *const CpuidLeaf;
}

#[repr(C)]
struct PamMessage {
    style: c_int,
    text: *const c_char,
}

#[repr(C)]
struct PamResponse {
    text: *mut c_char,
    unused: c_int,
}

type ConversationFunction =
    unsafe extern "C" fn(c_int, *mut *const PamMessage, *mut *mut PamResponse, *mut c_void) -> c_int;

#[repr(C)]
struct PamConversation {
    function: Option<ConversationFunction>,
    data: *mut c_void,
}

// The unwinder that std asks for comes from gcc's archive and not from libgcc_s.so.1: libpam loads the module anew for every
// login, and a second object to find, map and relocate cost more than all that the module does before it writes. It asks glibc by
// _dl_find_object, which is of 2.35; RHEL 9 has 2.34 and gets the feature.
#[cfg(all(target_env = "gnu", not(feature = "shared-unwinder")))]
#[link(name = "libgcc_eh.a", kind = "dylib", modifiers = "+verbatim")]
unsafe extern "C" {}

unsafe extern "C" {
    fn pam_get_item(handle: *const PamHandle, item: c_int, value: *mut *const c_void) -> c_int;
    fn pam_set_item(handle: *mut PamHandle, item: c_int, value: *const c_void) -> c_int;
    fn pam_get_user(handle: *mut PamHandle, user: *mut *const c_char, prompt: *const c_char) -> c_int;
    fn pam_getenv(handle: *mut PamHandle, name: *const c_char) -> *const c_char;
    fn pam_fail_delay(handle: *mut PamHandle, microseconds: c_uint) -> c_int;
    fn pam_syslog(handle: *const PamHandle, priority: c_int, format: *const c_char, ...);
    fn free(pointer: *mut c_void);
}

/// libpam's handle for the time of one call.
struct Libpam<'h> {
    handle: &'h mut PamHandle,
    flags: PamFlag,
}

/// What a conversation that succeeded brought back.
enum Response {
    /// Nothing at all, as applications do that have shown a text.
    None,
    /// An answer, which may be a null pointer.
    Reply(Option<Zeroizing<Vec<u8>>>),
}

/// What lies on the handle between two lines of ours.
struct Marked {
    /// Also put into PAM_OLDAUTHTOK, which libpam wipes at both ends of each pam_authenticate: equal means the same one.
    token: CString,
    remembered: Remembered,
}

/// Its address makes the name of our data unique to this loaded image: another build of the module in the same process
/// never reads it as a type of its own.
static IMAGE: u8 = 0;

fn data_name() -> String {
    format!("nightlatch-{:p}", &raw const IMAGE)
}

fn mark_name() -> String {
    format!("nightlatch-enroll-{:p}", &raw const IMAGE)
}

impl Libpam<'_> {
    fn raw_item(&self, item: c_int) -> Option<*const c_void> {
        let mut value = std::ptr::null();
        // SAFETY: the handle is valid for this call (libpam passed it to the hook); `value` outlives the call.
        let code = unsafe { pam_get_item(self.handle, item, &raw mut value) };
        (code == 0 && !value.is_null()).then_some(value)
    }

    /// A copy of a text item: the application may free or change the original in its next conversation.
    fn item(&self, item: c_int) -> Option<Zeroizing<Vec<u8>>> {
        let text = self.raw_item(item)?.cast::<c_char>();
        // SAFETY: libpam keeps text items as NUL-terminated strings of its own until they are set anew; nothing is set
        // between here and the copy.
        let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
        Some(Zeroizing::new(bytes.get(..MAX_ITEM_BYTES).unwrap_or(bytes).to_vec()))
    }

    fn text_item(&self, item: c_int) -> Option<String> {
        self.item(item).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// One message, one reply (THREATS H-05).
    fn converse(&self, style: c_int, text: &str) -> Result<Option<Zeroizing<Vec<u8>>>, NoReply> {
        match self.call_application(style, text)? {
            Response::Reply(reply) => Ok(reply),
            Response::None => Err(NoReply),
        }
    }

    /// A failed call is believed to have left nothing of ours to free: swaylock
    /// leaves a stale pointer behind (THREATS H-04).
    fn call_application(&self, style: c_int, text: &str) -> Result<Response, NoReply> {
        let text = CString::new(text.replace('\0', "")).map_err(|_| NoReply)?;
        let conversation = self.raw_item(PAM_CONV).ok_or(NoReply)?.cast::<PamConversation>();
        // SAFETY: libpam keeps PAM_CONV as a struct pam_conv of its own while the handle lives, and it is not null; its
        // two fields are copied out before the application runs.
        let (function, data) = unsafe { ((*conversation).function, (*conversation).data) };
        let function = function.ok_or(NoReply)?;
        let message = PamMessage { style, text: text.as_ptr() };
        let mut messages: *const PamMessage = &raw const message;
        let mut response: *mut PamResponse = std::ptr::null_mut();
        // SAFETY: the application promised a conversation function of this type when it called pam_start; message,
        // text and response outlive the call.
        let code = unsafe { function(1, &raw mut messages, &raw mut response, data) };
        if code != 0 {
            return Err(NoReply);
        }
        if response.is_null() {
            return Ok(Response::None);
        }
        // SAFETY: the call succeeded with a response for our one message: by pam_conv(3) an array of one, allocated
        // with malloc and ours from here on.
        let reply = unsafe { (*response).text };
        let copy = if reply.is_null() {
            None
        } else {
            // SAFETY: by pam_conv(3) a NUL-terminated string, allocated with malloc and ours; nobody else has it.
            let bytes =
                unsafe { std::slice::from_raw_parts_mut(reply.cast::<u8>(), CStr::from_ptr(reply).count_bytes()) };
            let copy = Zeroizing::new(bytes.to_vec());
            bytes.zeroize();
            // SAFETY: allocated with malloc, ours, not used again.
            unsafe { free(reply.cast()) };
            Some(copy)
        };
        // SAFETY: the same for the array.
        unsafe { free(response.cast()) };
        Ok(Response::Reply(copy))
    }
}

impl Conversation for Libpam<'_> {
    fn user(&mut self) -> Result<Vec<u8>, NoUser> {
        let mut user = std::ptr::null();
        // SAFETY: the handle is valid for this call; a null prompt means libpam's own; `user` outlives the call.
        let code = unsafe { pam_get_user(self.handle, &raw mut user, std::ptr::null()) };
        if code != 0 || user.is_null() {
            return Err(NoUser);
        }
        // SAFETY: libpam set it to its own NUL-terminated copy of PAM_USER, which nothing changes before it is copied.
        let bytes = unsafe { CStr::from_ptr(user) }.to_bytes();
        if bytes.is_empty() { Err(NoUser) } else { Ok(bytes.get(..MAX_ITEM_BYTES).unwrap_or(bytes).to_vec()) }
    }

    fn present_user(&self) -> Option<Vec<u8>> {
        self.item(PAM_USER).map(|bytes| bytes.to_vec())
    }

    fn service(&self) -> String {
        self.text_item(PAM_SERVICE).unwrap_or_default()
    }

    fn remote_host(&self) -> Option<String> {
        self.text_item(PAM_RHOST)
    }

    fn password(&self) -> Option<Zeroizing<Vec<u8>>> {
        self.item(PAM_AUTHTOK)
    }

    fn hand_on(&mut self, password: &[u8]) -> Result<(), NotHandedOn> {
        let mut text = Zeroizing::new(Vec::with_capacity(password.len().saturating_add(1)));
        text.extend_from_slice(password);
        text.push(0);
        let text = CStr::from_bytes_with_nul(&text).map_err(|_| NotHandedOn)?;
        // SAFETY: the handle is valid for this call; libpam copies the NUL-terminated string, and wipes the one before.
        let code = unsafe { pam_set_item(self.handle, PAM_AUTHTOK, text.as_ptr().cast()) };
        if code == 0 { Ok(()) } else { Err(NotHandedOn) }
    }

    fn ssh_auth_info(&self) -> Option<String> {
        // SAFETY: the handle is valid for this call; the name is NUL-terminated. pam_getenv does not change the handle,
        // though its prototype does not say so.
        let value = unsafe { pam_getenv(std::ptr::from_ref(&*self.handle).cast_mut(), c"SSH_AUTH_INFO_0".as_ptr()) };
        if value.is_null() {
            return None;
        }
        // SAFETY: not null, so a NUL-terminated string inside the PAM environment, copied before that changes.
        Some(unsafe { CStr::from_ptr(value) }.to_string_lossy().into_owned())
    }

    fn ask(&mut self, prompt: &str) -> Result<Zeroizing<Vec<u8>>, NoReply> {
        self.converse(PAM_PROMPT_ECHO_OFF, prompt)?.ok_or(NoReply)
    }

    fn ask_openly(&mut self, prompt: &str) -> Result<Zeroizing<Vec<u8>>, NoReply> {
        self.converse(PAM_PROMPT_ECHO_ON, prompt)?.ok_or(NoReply)
    }

    fn show(&mut self, text: &str) -> Result<(), NoReply> {
        if self.flags & PAM_SILENT != 0 {
            return Err(NoReply);
        }
        self.call_application(PAM_TEXT_INFO, text).map(drop)
    }

    fn tell(&mut self, message: &Message) {
        if self.flags & PAM_SILENT != 0 {
            return;
        }
        let told = match message {
            Message::Info(text) => self.converse(PAM_TEXT_INFO, text),
            Message::Error(text) => self.converse(PAM_ERROR_MSG, text),
        };
        // An application that cannot show a text changes no verdict (THREATS H-07); a reply that it brings is wiped.
        drop(told);
    }

    fn log(&self, level: Level, line: &LogLine) {
        let priority = match level {
            Level::Alert => 1,
            Level::Critical => 2,
            Level::Error => 3,
            Level::Notice => 5,
            Level::Info => 6,
            Level::Debug => 7,
        };
        if let Ok(text) = CString::new(line.as_str()) {
            // SAFETY: the handle is valid for this call; the format is ours and takes the one string that follows.
            unsafe { pam_syslog(self.handle, LOG_AUTHPRIV | priority, c"%s".as_ptr(), text.as_ptr()) };
        }
    }

    fn remembered(&self) -> Option<&Remembered> {
        let token = self.item(PAM_OLDAUTHTOK)?;
        // SAFETY: under this name, which carries the address of this image, only `remember` below stores, and only a
        // `Marked`; libpam keeps it until the handle ends or it is replaced, and both need the handle that is borrowed.
        let marked = unsafe { self.handle.get_data::<Marked>(&data_name()) }.ok()?;
        (marked.token.as_bytes() == token.as_slice()).then_some(&marked.remembered)
    }

    fn remember(&mut self, remembered: Remembered) {
        let mut bytes = [0_u8; 16];
        if SystemRandom.fill(&mut bytes).is_err() {
            return;
        }
        let Ok(token) = CString::new(format!("nightlatch-{:032x}", u128::from_ne_bytes(bytes))) else { return };
        // SAFETY: the handle is valid for this call; libpam copies the NUL-terminated string.
        let code = unsafe { pam_set_item(self.handle, PAM_OLDAUTHTOK, token.as_ptr().cast()) };
        if code == 0 {
            // Without it a second line asks again; that is a nuisance and no danger.
            let _: Result<(), PamResultCode> =
                self.handle.set_data(&data_name(), Box::new(Marked { token, remembered }));
        }
    }

    fn mark(&mut self, mark: Option<Mark>) -> Result<(), NotMarked> {
        if mark.is_none() && self.marked().is_none() {
            return Ok(());
        }
        self.handle.set_data(&mark_name(), Box::new(mark)).map_err(|_| NotMarked)
    }

    fn marked(&self) -> Option<Mark> {
        // SAFETY: under this name, which carries the address of this image, only `mark` above stores, and only an
        // `Option<Mark>`; libpam keeps it until the handle ends or it is replaced, and both need the handle that is borrowed.
        unsafe { self.handle.get_data::<Option<Mark>>(&mark_name()) }.ok().cloned().flatten()
    }

    fn suggest_delay(&mut self) {
        // SAFETY: the handle is valid for this call.
        let _: c_int = unsafe { pam_fail_delay(self.handle, FAIL_DELAY_MICROSECONDS) };
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn no_vector_register_keeps_what_it_held() {
        let (low, high): (u64, u64);
        if !is_x86_feature_detected!("avx512f") {
            return;
        }
        // SAFETY: the registers are there (just asked) and are said to be overwritten.
        unsafe {
            asm!("vpternlogd zmm5, zmm5, zmm5, 255", "vmovdqa64 zmm17, zmm5", out("zmm5") _, out("zmm17") _);
        }
        wipe_vector_registers();
        // SAFETY: the same; reading changes nothing.
        unsafe {
            asm!("vmovq {}, xmm5", "vextracti64x4 ymm5, zmm17, 1", "vmovq {}, xmm5", out(reg) low, out(reg) high, out("ymm5") _);
        }
        assert_eq!((low, high), (0, 0));
    }
}
