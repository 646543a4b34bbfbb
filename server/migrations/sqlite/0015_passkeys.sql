-- Passkeys of humans. `id` is SHA-256 of the credential's id, in hexadecimal; `key_state` and
-- `use_state` are the public key and the counter as the crate `webauthn_rp` encodes them. A human
-- who has passkeys may have no passphrase: then `human.passphrase` is empty.
CREATE TABLE passkey (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  human TEXT NOT NULL,
  name TEXT NOT NULL,
  relying_party TEXT NOT NULL,
  credential_id BLOB NOT NULL,
  user_handle BLOB NOT NULL,
  transports INTEGER NOT NULL,
  key_state BLOB NOT NULL,
  use_state BLOB NOT NULL,
  made_at INTEGER NOT NULL,
  last_used_at INTEGER,
  PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX passkey_human ON passkey (tenant_id, human);

-- Challenges that wait for an authenticator, at most one for each session of the page: `session`
-- is SHA-256 of its cookie, in hexadecimal. It goes with the first answer, right or wrong.
CREATE TABLE passkey_challenge (
  tenant_id TEXT NOT NULL,
  session TEXT NOT NULL,
  token_id TEXT NOT NULL,
  purpose TEXT NOT NULL,
  human TEXT NOT NULL,
  relying_party TEXT NOT NULL,
  state BLOB NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, session)
) STRICT, WITHOUT ROWID;
