// SPDX-License-Identifier: MIT OR Apache-2.0
//! su, "su -" and login, by the recipes of pam.d/, in a terminal; pamtester; and screen lockers, which have no root.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod scene;

use std::fs;

use scene::ways::{self, GOT_IN, Recipes, SAY_SO, Way};
use scene::*;

static RECIPES: Recipes = Recipes::new(install_recipes);

const SU: Way = Way {
    open: |person| Terminal::open(&format!("runuser -u nobody -- su {} -s /bin/sh -c '{SAY_SO}'", person.name)),
    password_prompt: "Password: ",
    service: "su",
    talks: true,
};

const SU_LOGIN: Way = Way {
    open: |person| Terminal::open(&format!("runuser -u nobody -- su - {} -c '{SAY_SO}'", person.name)),
    service: "su-l",
    ..SU
};

/// As getty starts it, on a terminal; the shell behind it says that somebody got in, and goes. Debian 13's login hangs its
/// terminal up before it opens it anew, which no program on the other end outlives: there its service file is tried.
const LOGIN: Way = Way {
    open: |person| {
        if run("login", &["--version"]).status.success() {
            return Terminal::open(&pamtester("login", person));
        }
        let profile = format!("/home/{}/.bash_profile", person.name);
        fs::write(profile, format!("{SAY_SO}; exit\n")).unwrap();
        // login asks again after a refusal, and a minute is too long to wait for its end.
        Terminal::open(&format!("timeout 9 login {}", person.name))
    },
    service: "login",
    ..SU
};

/// The application that tests PAM stacks, with a stack like sshd's.
const PAMTESTER: Way =
    Way { open: |person| Terminal::open(&pamtester("pamtester", person)), service: "pamtester", ..SU };

fn pamtester(service: &str, person: &Person) -> String {
    format!("sh -c 'pamtester {service} {} authenticate && {SAY_SO}'", person.name)
}

fn install_recipes() {
    in_the_bed();
    for service in ["su", "i3lock", "swaylock", "login"] {
        ok("cp", &[&format!("/usr/share/nightlatch/pam.d/{service}"), "/etc/pam.d/"]);
    }
    let stack = "@include common-auth\nauth required pam_nightlatch.so\n@include common-account\n";
    fs::write("/etc/pam.d/pamtester", stack).unwrap();
}

/// Each scene for each way; a test for each, so that the name says what broke.
macro_rules! everywhere {
    ($($scene:ident: $($test:ident $way:ident),+;)+) => {$($(
        #[test]
        fn $test() {
            RECIPES.shared(|| ways::$scene($way));
        }
    )+)+};
}

everywhere! {
    the_right_code_gets_in_once:
        by_su_the_right_code_gets_in_once SU,
        by_su_l_the_right_code_gets_in_once SU_LOGIN,
        by_login_the_right_code_gets_in_once LOGIN,
        by_pamtester_the_right_code_gets_in_once PAMTESTER;
    without_the_password_nobody_is_asked_for_a_code:
        by_su_nobody_without_the_password_is_asked_for_a_code SU,
        by_su_l_nobody_without_the_password_is_asked_for_a_code SU_LOGIN,
        by_login_nobody_without_the_password_is_asked_for_a_code LOGIN,
        by_pamtester_nobody_without_the_password_is_asked_for_a_code PAMTESTER;
    whatever_is_no_right_code_is_refused_alike:
        by_su_whatever_is_no_right_code_is_refused_alike SU,
        by_su_l_whatever_is_no_right_code_is_refused_alike SU_LOGIN,
        by_pamtester_whatever_is_no_right_code_is_refused_alike PAMTESTER;
    a_backup_code_gets_in_once_however_it_is_typed:
        by_su_a_backup_code_gets_in_once SU,
        by_su_l_a_backup_code_gets_in_once SU_LOGIN,
        by_login_a_backup_code_gets_in_once LOGIN,
        by_pamtester_a_backup_code_gets_in_once PAMTESTER;
    whoever_is_not_enrolled_is_asked_and_refused:
        by_su_whoever_is_not_enrolled_is_asked_and_refused SU,
        by_su_l_whoever_is_not_enrolled_is_asked_and_refused SU_LOGIN,
        by_login_whoever_is_not_enrolled_is_asked_and_refused LOGIN,
        by_pamtester_whoever_is_not_enrolled_is_asked_and_refused PAMTESTER;
    whoever_waits_is_refused_with_the_right_code_until_unlock:
        by_su_whoever_waits_is_refused_until_unlock SU,
        by_su_l_whoever_waits_is_refused_until_unlock SU_LOGIN,
        by_pamtester_whoever_waits_is_refused_until_unlock PAMTESTER;
}

#[test]
fn with_nullok_the_password_is_enough_until_somebody_is_enrolled() {
    for (way, file) in [(SU, "su"), (SU_LOGIN, "su"), (LOGIN, "login"), (PAMTESTER, "pamtester")] {
        RECIPES.alone(|| ways::with_nullok_the_password_is_enough_until_somebody_is_enrolled(way, file));
    }
}

#[test]
fn whoever_is_blocked_is_asked_and_refused_until_unlock() {
    for (way, file) in [(SU, "su"), (SU_LOGIN, "su"), (PAMTESTER, "pamtester")] {
        RECIPES.alone(|| ways::whoever_is_blocked_is_asked_and_refused_until_unlock(way, file));
    }
}

#[test]
fn root_becomes_anybody_without_being_asked() {
    RECIPES.shared(|| {
        let stranger = Person::stranger("stranger");
        assert!(ok("su", &["-", &stranger.name, "-c", SAY_SO]).contains(GOT_IN));
    });
}

/// Lockers run as the person, who may not read the store. With `login` protected they would stay locked.
#[test]
fn a_screen_locker_opens_by_the_password_alone() {
    RECIPES.shared(|| {
        let ann = Person::enrolled("ann");
        for locker in ["i3lock", "swaylock"] {
            let command = format!("runuser -u {} -- pamtester {locker} {} authenticate", ann.name, ann.name);
            let screen = Terminal::open(&command).sees("Password: ").types(PASSWORD).rest();
            assert!(screen.contains("successfully authenticated") && !screen.contains(PROMPT), "{screen}");
            let screen = Terminal::open(&command).sees("Password: ").types("wrong").rest();
            assert!(!screen.contains("successfully authenticated"), "{screen}");
        }
    });
}
