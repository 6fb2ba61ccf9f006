-- How many people must approve a request of the workspace.
ALTER TABLE workspace ADD COLUMN approvals INTEGER NOT NULL DEFAULT 1;
