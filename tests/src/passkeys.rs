//! An authenticator for tests: it signs whatever a test wants, right or wrong.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coro_api::humans::PasskeyOptions;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// `WebAuthn`, section 6.1: someone was there.
const USER_PRESENT: u8 = 0x01;

/// The authenticator has verified who it is.
const USER_VERIFIED: u8 = 0x04;

/// The public key of a new passkey is in the answer.
const HAS_KEY: u8 = 0x40;

/// An authenticator with one passkey, and the browser that speaks for it.
#[derive(Clone, Debug)]
pub struct Authenticator {
    key: SigningKey,
    id: [u8; 32],
    /// The page that the browser shows.
    pub origin: String,
    pub relying_party: String,
    /// Whether it verifies the human, or takes a touch.
    pub verifies: bool,
    /// How often it has signed; 0 for one that does not count.
    pub counter: u32,
}

impl Authenticator {
    /// Its key comes of a name: the same name, the same passkey.
    pub fn new(name: &str, origin: &str) -> Self {
        let seed = Sha256::digest(name.as_bytes());
        let host = origin.split_once("://").map_or(origin, |(_, host)| host);
        Authenticator {
            key: SigningKey::from_slice(&seed).expect("nearly every 32 bytes are a key"),
            id: Sha256::digest(seed).into(),
            origin: origin.to_owned(),
            relying_party: host.split(':').next().unwrap_or(host).to_owned(),
            verifies: true,
            counter: 0,
        }
    }

    /// The credential that a browser makes of `begin_passkey`'s options.
    pub fn make(&self, asked: &PasskeyOptions) -> Value {
        let client = self.client_data("webauthn.create", asked);
        // CBOR: {"fmt": "none", "attStmt": {}, "authData": …}, as in section 6.5.
        let data = self.authenticator_data(HAS_KEY, &self.public_key());
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).expect("it is short"));
        object.extend(data);
        self.credential(json!({
            "clientDataJSON": encoded(&client),
            "attestationObject": encoded(&object),
            "transports": ["internal"],
        }))
    }

    /// The credential that a browser makes of `begin_unlock`'s options.
    pub fn sign(&self, asked: &PasskeyOptions) -> Value {
        let client = self.client_data("webauthn.get", asked);
        let data = self.authenticator_data(0, &[]);
        let mut signed = data.clone();
        signed.extend(Sha256::digest(&client));
        let signature: Signature = self.key.sign(&signed);
        self.credential(json!({
            "clientDataJSON": encoded(&client),
            "authenticatorData": encoded(&data),
            "signature": encoded(signature.to_der().as_bytes()),
        }))
    }

    fn credential(&self, response: Value) -> Value {
        json!({
            "id": encoded(&self.id),
            "rawId": encoded(&self.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        })
    }

    fn client_data(&self, kind: &str, asked: &PasskeyOptions) -> Vec<u8> {
        let challenge = &asked.options["challenge"];
        let origin = &self.origin;
        let data =
            json!({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false});
        data.to_string().into_bytes()
    }

    fn authenticator_data(&self, flags: u8, rest: &[u8]) -> Vec<u8> {
        let verified = if self.verifies { USER_VERIFIED } else { 0 };
        let mut data = Sha256::digest(self.relying_party.as_bytes()).to_vec();
        data.push(USER_PRESENT | verified | flags);
        data.extend(self.counter.to_be_bytes());
        data.extend(rest);
        data
    }

    /// Attested credential data: no model, the id, the key as COSE has it.
    fn public_key(&self) -> Vec<u8> {
        let point = self.key.verifying_key().to_encoded_point(false);
        let mut data = vec![0; 16];
        data.extend([0, 32]);
        data.extend(self.id);
        data.extend(b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20");
        data.extend(point.x().expect("it is not compressed"));
        data.extend(b"\x22\x58\x20");
        data.extend(point.y().expect("it is not compressed"));
        data
    }
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
