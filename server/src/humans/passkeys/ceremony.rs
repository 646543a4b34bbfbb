//! `WebAuthn`: what a browser is asked for, and whether its answer is right.
//!
//! The crate `webauthn_rp` does all of it; here stand our choices. A human must
//! be verified by the authenticator (a finger, a face, a PIN): a touch alone
//! would be anybody who sits there. The answer must come from the dashboard's
//! own origin, port included, in no frame: on `localhost` each port is another
//! program, and all have the same relying party id. A counter that does not
//! grow is refused. No attestation: whoever is at first use may choose any
//! authenticator.

use std::net::IpAddr;
use std::num::NonZeroU32;

use coro_api::limits::CREDENTIAL_BYTES_MAX;
use serde_json::Value;
use webauthn_rp::bin::{Decode as _, Encode as _};
use webauthn_rp::request::auth::{
    AllowedCredentials, AuthenticationVerificationOptions, NonDiscoverableCredentialRequestOptions,
};
use webauthn_rp::request::register::{
    CredProtect, Nickname, PublicKeyCredentialCreationOptions, PublicKeyCredentialUserEntity,
    RegistrationVerificationOptions, ResidentKeyRequirement, USER_HANDLE_MAX_LEN, UserHandle64,
    Username,
};
use webauthn_rp::request::{
    AsciiDomain, Credentials as _, PublicKeyCredentialDescriptor, RpId, UserVerificationRequirement,
};
use webauthn_rp::response::auth::NonDiscoverableAuthentication64;
use webauthn_rp::response::register::{DynamicState, Registration, StaticState};
use webauthn_rp::response::{AuthTransports, CredentialId};
use webauthn_rp::{
    AuthenticatedCredential, NonDiscoverableAuthenticationServerState, RegistrationServerState,
};

use super::PasskeyRow;
use super::challenge::CHALLENGE_SECONDS;
use crate::config::without_port;
use crate::error::{Result, forbidden, internal, invalid};

/// How long a browser lets the human take, in milliseconds.
const TIMEOUT_MS: NonZeroU32 =
    NonZeroU32::new(CHALLENGE_SECONDS * 1000).expect("it takes some time");

/// The name on an authenticator of humans whose own it can't take.
const ANY_NAME: &str = "coro";

/// For whom passkeys are: the dashboard, under the address of browsers.
#[derive(Clone, Debug)]
pub struct RelyingParty {
    id: String,
    /// As browsers write it.
    pub origin: String,
}

impl RelyingParty {
    /// None where browsers have no passkeys: an IP address is no relying party
    /// id, and the page must be HTTPS, or this machine's.
    pub fn of(page: &str) -> Option<RelyingParty> {
        let page = page.to_ascii_lowercase();
        let (scheme, rest) = page.split_once("://")?;
        let authority = rest.split('/').next()?;
        let host = without_port(authority);
        let is_local = host == "localhost" || host.ends_with(".localhost");
        let is_address = host.starts_with('[') || host.parse::<IpAddr>().is_ok();
        if is_address || !(scheme == "https" || is_local) {
            return None;
        }
        let usual_port = match scheme {
            "https" => ":443",
            _ => ":80",
        };
        let authority = authority.strip_suffix(usual_port).unwrap_or(authority);
        AsciiDomain::try_from(host.to_owned()).ok()?;
        Some(RelyingParty {
            id: host.to_owned(),
            origin: format!("{scheme}://{authority}"),
        })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    fn rp_id(&self) -> Result<RpId> {
        let domain = AsciiDomain::try_from(self.id.clone()).map_err(|error| broken(&error))?;
        Ok(RpId::Domain(domain))
    }
}

/// A ceremony that waits for a browser.
pub(super) struct Begun {
    /// What must be known again when the answer comes.
    pub(super) state: Vec<u8>,
    pub(super) options: Value,
}

/// Asks for a passkey of a human who has some already, or none.
pub(super) fn begin_adding(
    party: &RelyingParty,
    human: &str,
    known: &[PasskeyRow],
) -> Result<Begun> {
    let rp_id = party.rp_id()?;
    // The same for all passkeys of a human: so an authenticator sees one account.
    let handle = match known.first() {
        Some(passkey) => user_handle(passkey)?,
        None => UserHandle64::new(),
    };
    let user = PublicKeyCredentialUserEntity {
        name: match Username::try_from(human) {
            Ok(name) => name,
            Err(_) => Username::try_from(ANY_NAME).map_err(|error| broken(&error))?,
        },
        id: &handle,
        display_name: Nickname::try_from(human).ok(),
    };
    let here = known.iter().filter(|one| one.relying_party == party.id);
    let exclude: Result<Vec<_>> = here.map(descriptor).collect();
    let mut options = PublicKeyCredentialCreationOptions::passkey(&rp_id, user, exclude?);
    // Who unlocks is named before: an authenticator need not remember it.
    options.authenticator_selection.resident_key = ResidentKeyRequirement::Preferred;
    // Each use asks for verification, and many authenticators know no other way
    // to insist on it.
    options.extensions.cred_protect = CredProtect::None;
    options.timeout = TIMEOUT_MS;
    let (server, client) = options.start_ceremony().map_err(|error| broken(&error))?;
    Ok(Begun {
        state: server.encode().map_err(|error| broken(&error))?,
        options: serde_json::to_value(&client).map_err(internal)?,
    })
}

/// What is stored of a passkey that was made.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) credential_id: Vec<u8>,
    pub(super) user_handle: Vec<u8>,
    pub(super) transports: u8,
    pub(super) key_state: Vec<u8>,
    pub(super) use_state: Vec<u8>,
}

/// Checks a passkey that a browser has made.
pub(super) fn finish_adding(
    party: &RelyingParty,
    state: &[u8],
    credential: &Value,
) -> Result<Made> {
    let credential = Registration::from_json_relaxed(&bytes_of(credential)?)
        .map_err(|error| not_understood(&error))?;
    let state = RegistrationServerState::<USER_HANDLE_MAX_LEN>::decode(state)
        .map_err(|error| broken(&error))?;
    let origins = [party.origin.as_str()];
    let options = RegistrationVerificationOptions::<&str, &str> {
        allowed_origins: &origins,
        error_on_unsolicited_extensions: false,
        ..Default::default()
    };
    let made = state
        .verify(&party.rp_id()?, &credential, &options)
        .map_err(|error| refused(&error))?;
    let Ok(transports) = made.transports().encode();
    let Ok(key_state) = made.static_state().encode();
    let Ok(use_state) = made.dynamic_state().encode();
    Ok(Made {
        credential_id: made.id().as_ref().to_vec(),
        user_handle: made.user_id().as_ref().to_vec(),
        transports,
        key_state,
        use_state: use_state.to_vec(),
    })
}

/// Asks for a signature of one of some passkeys.
pub(super) fn begin_unlocking(party: &RelyingParty, known: &[PasskeyRow]) -> Result<Begun> {
    let rp_id = party.rp_id()?;
    let mut allowed = AllowedCredentials::with_capacity(known.len());
    for passkey in known {
        allowed.push(descriptor(passkey)?.into());
    }
    let mut options = NonDiscoverableCredentialRequestOptions::second_factor(&rp_id, allowed)
        .map_err(|error| broken(&error))?;
    options.options().user_verification = UserVerificationRequirement::Required;
    options.options().timeout = TIMEOUT_MS;
    let (server, client) = options.start_ceremony().map_err(|error| broken(&error))?;
    let client = serde_json::to_value(&client).map_err(internal)?;
    Ok(Begun {
        state: server.encode().map_err(|error| broken(&error))?,
        options: client,
    })
}

/// A signature that nobody has checked yet.
pub(super) struct Signed(NonDiscoverableAuthentication64);

impl Signed {
    pub(super) fn of(credential: &Value) -> Result<Signed> {
        let credential = NonDiscoverableAuthentication64::from_json_relaxed(&bytes_of(credential)?);
        credential
            .map(Signed)
            .map_err(|error| not_understood(&error))
    }

    /// Which passkey it says it is of.
    pub(super) fn credential_id(&self) -> Vec<u8> {
        self.0.raw_id().as_ref().to_vec()
    }
}

/// Checks a signature of a passkey; gives what is to be stored of its use.
pub(super) fn finish_unlocking(
    party: &RelyingParty,
    state: &[u8],
    signed: &Signed,
    passkey: &PasskeyRow,
) -> Result<Vec<u8>> {
    let state =
        NonDiscoverableAuthenticationServerState::decode(state).map_err(|error| broken(&error))?;
    let handle = user_handle(passkey)?;
    let id = CredentialId::<&[u8]>::decode(&passkey.credential_id).map_err(|e| broken(&e))?;
    let key = StaticState::decode(passkey.key_state.as_slice()).map_err(|e| broken(&e))?;
    let used: [u8; 7] = passkey
        .use_state
        .as_slice()
        .try_into()
        .map_err(|e| broken(&e))?;
    let used = DynamicState::decode(used).map_err(|error| broken(&error))?;
    let mut known =
        AuthenticatedCredential::new(id, &handle, key, used).map_err(|error| broken(&error))?;
    let origins = [party.origin.as_str()];
    let options = AuthenticationVerificationOptions::<&str, &str> {
        allowed_origins: &origins,
        error_on_unsolicited_extensions: false,
        ..Default::default()
    };
    state
        .verify(&party.rp_id()?, &signed.0, &mut known, &options)
        .map_err(|error| refused(&error))?;
    let Ok(used) = known.dynamic_state().encode();
    Ok(used.to_vec())
}

fn descriptor(passkey: &PasskeyRow) -> Result<PublicKeyCredentialDescriptor<Vec<u8>>> {
    let transports = u8::try_from(passkey.transports).map_err(internal)?;
    Ok(PublicKeyCredentialDescriptor {
        id: CredentialId::<Vec<u8>>::decode(passkey.credential_id.clone())
            .map_err(|error| broken(&error))?,
        transports: AuthTransports::decode(transports).map_err(|error| broken(&error))?,
    })
}

fn user_handle(passkey: &PasskeyRow) -> Result<UserHandle64> {
    let bytes: [u8; USER_HANDLE_MAX_LEN] = passkey
        .user_handle
        .as_slice()
        .try_into()
        .map_err(|error| broken(&error))?;
    let Ok(handle) = UserHandle64::decode(bytes);
    Ok(handle)
}

fn bytes_of(credential: &Value) -> Result<Vec<u8>> {
    let bytes = serde_json::to_vec(credential).map_err(internal)?;
    if bytes.len() > CREDENTIAL_BYTES_MAX {
        return Err(invalid(format!(
            "the credential has {} bytes, more than {CREDENTIAL_BYTES_MAX}",
            bytes.len()
        )));
    }
    Ok(bytes)
}

fn not_understood(error: &dyn std::fmt::Display) -> crate::error::Error {
    invalid(format!("the credential is not understood: {error}"))
}

fn refused(error: &dyn std::fmt::Display) -> crate::error::Error {
    forbidden(format!("the passkey is not accepted: {error}"))
}

fn broken(error: &dyn std::fmt::Display) -> crate::error::Error {
    internal(anyhow::anyhow!("a passkey: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_work_where_browsers_have_them() {
        for (page, expected) in [
            ("http://127.0.0.1:9847", None),
            ("https://127.0.0.1", None),
            ("https://[::1]:9847", None),
            ("http://board.example.com", None),
            (
                "http://localhost:9847",
                Some(("localhost", "http://localhost:9847")),
            ),
            (
                "https://Board.example.com:443/",
                Some(("board.example.com", "https://board.example.com")),
            ),
            (
                "https://board.example.com:8443",
                Some(("board.example.com", "https://board.example.com:8443")),
            ),
        ] {
            let party = RelyingParty::of(page);
            let found = party.as_ref().map(|one| (one.id(), one.origin.as_str()));
            assert_eq!(found, expected, "{page}");
        }
    }
}
