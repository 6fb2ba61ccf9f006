-- What core knows of the built-in provider's accounts. The accounts themselves, and every hash, are airlock-idp's.

-- 'person' or 'service' for an account that the provider published; '' for who is known from elsewhere.
ALTER TABLE person ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN client_id TEXT NOT NULL DEFAULT '';
-- Nobody with this mark is answered, whatever token they bring. Only an order of an administrator changes it.
ALTER TABLE person ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0;
-- Seconds: tokens that were issued before count no more.
ALTER TABLE person ADD COLUMN tokens_from INTEGER NOT NULL DEFAULT 0;
