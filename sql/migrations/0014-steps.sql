-- Programs of an organisation's own in a step before a movement: they answer by the job of airlock-gate that runs them.

ALTER TABLE external_call ADD COLUMN program INTEGER NOT NULL DEFAULT 0; -- 1: airlock-gate runs it; nobody is called
