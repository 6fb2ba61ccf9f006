-- Zones that must still end transfers of older generations: written with the raise, gone with the zone's word. A restart
-- of core forgets none of them, however many there are.
CREATE TABLE drain (
    request    TEXT NOT NULL REFERENCES request (id),
    generation INTEGER NOT NULL,                -- everything older ends
    dir        TEXT NOT NULL,                   -- where the bytes were then: names zone and account
    PRIMARY KEY (request, generation)
);
INSERT INTO drain (request, generation, dir)
SELECT id, generation, dir FROM request WHERE id IN (SELECT request FROM job WHERE state = 'open' AND drained = 0);
