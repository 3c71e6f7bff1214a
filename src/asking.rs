// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a line comes by the code: by a prompt of its own, or in one text with the password. Hands the password without the
//! code on to the modules behind us, once the code was accepted and not before.

use nightlatch::combined::{CodePlace, Combined};
use nightlatch::config::Config;
use nightlatch::secret::TypedCode;
use nightlatch::store::Answer;
use nightlatch::verify::judge::Occasion;
use nightlatch::verify::throttle::Channel;
use zeroize::Zeroizing;

use crate::conversation::{Conversation, NotHandedOn};
use crate::login::{Failure, Unjudged, Who};

/// What the line says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asking {
    /// Behind the password, by a prompt of its own.
    Code,
    /// Before the password is judged, in one text with it.
    WithPassword(TextFrom, CodePlace),
}

/// Where the text with password and code comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextFrom {
    /// `use_first_pass`: a module before us has asked for it, or nobody.
    EarlierModule,
    /// `try_first_pass`: the same; where there is no code in it, or no text, we ask.
    EarlierModuleOrPrompt,
    /// `forward_pass`: we ask.
    Prompt,
}

impl Asking {
    /// Which failures count together: a line that judges codes before the password keeps its own, whoever asked.
    pub(crate) fn channel(self) -> Channel {
        match self {
            Self::Code => Channel::OwnPrompt,
            Self::WithPassword(..) => Channel::WithPassword,
        }
    }

    /// Whether an earlier line of ours that asked so has done what this one does. The other way round it has not: the text
    /// that this line takes apart would go on whole.
    pub(crate) fn is_covered_by(self, earlier: Self) -> bool {
        match (self, earlier) {
            (Self::Code, Self::Code | Self::WithPassword(..)) | (Self::WithPassword(..), Self::WithPassword(..)) => {
                true
            }
            (Self::WithPassword(..), Self::Code) => false,
        }
    }

    /// What was typed, here or for an earlier module. `password` is PAM_AUTHTOK as it was before anybody was asked.
    pub(crate) fn typed(
        self,
        pam: &mut impl Conversation,
        config: &Config,
        occasion: &Occasion,
        who: &Who,
        password: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<Result<Typed, Unjudged>, Failure> {
        let prompt = config.prompt_at(&occasion.service);
        let (text, place) = match self {
            Self::Code => return ask_code(pam, prompt, who, password),
            Self::WithPassword(TextFrom::EarlierModule, place) => match password {
                Some(text) => (text, place),
                None => return Ok(Err(Unjudged::NobodyAsked)),
            },
            Self::WithPassword(TextFrom::EarlierModuleOrPrompt, place) => match password {
                // A code alone then, since the password is there.
                Some(text) => match Combined::read(&text, place) {
                    Ok(combined) => return Ok(Ok(Typed::WithPassword(combined))),
                    Err(_) => return ask_code(pam, prompt, who, Some(text)),
                },
                None => (pam.ask(config.combined_prompt_at(&occasion.service, place))?, place),
            },
            Self::WithPassword(TextFrom::Prompt, place) => {
                (pam.ask(config.combined_prompt_at(&occasion.service, place))?, place)
            }
        };
        Ok(still_the_same(pam, who)
            .and_then(|()| Combined::read(&text, place).map(Typed::WithPassword).map_err(Unjudged::NotACode)))
    }
}

fn ask_code(
    pam: &mut impl Conversation,
    prompt: &str,
    who: &Who,
    password: Option<Zeroizing<Vec<u8>>>,
) -> Result<Result<Typed, Unjudged>, Failure> {
    let reply = pam.ask(prompt)?;
    let password = password.as_ref().map(|password| password.as_slice());
    Ok(still_the_same(pam, who)
        .and_then(|()| TypedCode::parse(&reply, password).map(Typed::Code).map_err(Unjudged::NotACode)))
}

/// The application may name somebody else in every conversation.
fn still_the_same(pam: &impl Conversation, who: &Who) -> Result<(), Unjudged> {
    if pam.present_user() == who.named { Ok(()) } else { Err(Unjudged::AnotherUser) }
}

/// What is to be judged.
pub(crate) enum Typed {
    Code(TypedCode),
    WithPassword(Combined),
}

impl Typed {
    pub(crate) fn code(&self) -> &TypedCode {
        match self {
            Self::Code(code) => code,
            Self::WithPassword(combined) => combined.code(),
        }
    }

    /// After a refusal PAM_AUTHTOK stays as it is: nobody has said what of the text is the password.
    pub(crate) fn hand_on(&self, pam: &mut impl Conversation, answer: &Answer) -> Result<(), NotHandedOn> {
        match (self, answer) {
            (Self::WithPassword(combined), Answer::Accepted(accepted)) => pam.hand_on(&combined.password(accepted)),
            (Self::WithPassword(_), Answer::Refused(_)) | (Self::Code(_), Answer::Accepted(_) | Answer::Refused(_)) => {
                Ok(())
            }
        }
    }
}
