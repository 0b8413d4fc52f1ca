-- Nearest neighbours under a policy of this library: how many of the ten nearest rows of an owner a statement gives, and in what
-- time, by what the owner has and by what serves the order. Needs pgvector 0.8; `tests/works_with` runs it, and prints its table.
-- 60,000 rows of 32 numbers, at random, so that neighbours are as hard to find as can be; 20 statements for each line.
\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;
CREATE DATABASE vectors;
\connect vectors
SET client_min_messages = warning;
-- What the script's server records would take more time than the statements.
SET auto_explain.log_min_duration = -1;
SET pgaudit.log = 'none';
CREATE EXTENSION IF NOT EXISTS vector;
CREATE ROLE vectors_app;
SELECT setseed(0.5) \gset

CREATE TABLE holder (id uuid, rows int);
INSERT INTO holder SELECT md5(n::text)::uuid, n FROM unnest(ARRAY[20, 100, 500, 5000, 25000]) n;
INSERT INTO holder SELECT md5('other' || n)::uuid, 294 FROM generate_series(1, 100) n;
CREATE TABLE item (id bigint, owner_id uuid NOT NULL, place vector(32) NOT NULL);
INSERT INTO item
SELECT row_number() OVER (), id, array(SELECT random() FROM generate_series(1, 32) WHERE n > 0)::vector
FROM (SELECT id, n FROM holder, generate_series(1, rows) n ORDER BY random()) s;
CREATE TABLE query AS
SELECT n, array(SELECT random() FROM generate_series(1, 32) WHERE n > 0)::vector AS place FROM generate_series(1, 20) n;

-- The same rows in sixteen partitions by owner.
CREATE TABLE parted (LIKE item) PARTITION BY HASH (owner_id);
SELECT format('CREATE TABLE parted_%s PARTITION OF parted FOR VALUES WITH (MODULUS 16, REMAINDER %s)', n, n)
FROM generate_series(0, 15) n \gexec
INSERT INTO parted SELECT * FROM item;
SELECT format('CREATE INDEX ON %s (owner_id)', t),
       format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t),
       format($$CREATE POLICY own ON %s USING (owner_id = (SELECT NULLIF(current_setting('app.user_id', true), '')::uuid))$$, t)
FROM unnest(ARRAY['item', 'parted']) t \gexec
SET maintenance_work_mem = '512MB';
CREATE INDEX parted_hnsw ON parted USING hnsw (place vector_l2_ops);
GRANT SELECT ON ALL TABLES IN SCHEMA public TO vectors_app;

CREATE TABLE exact (rows int, n int, ids bigint[]);
CREATE TABLE measured (at int GENERATED ALWAYS AS IDENTITY, method text, rows int, given numeric, recall numeric, ms numeric);

-- What a statement gives, as an owner.
CREATE FUNCTION nearest(relation text, owner uuid, place vector, named boolean) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    ids bigint[];
BEGIN
    PERFORM set_config('app.user_id', owner::text, true);
    SET LOCAL ROLE vectors_app;
    EXECUTE format('SELECT array_agg(id) FROM (SELECT id FROM %I %s ORDER BY place <-> %L LIMIT 10) s', relation,
                   CASE WHEN named THEN format('WHERE owner_id = %L', owner) ELSE '' END, place) INTO ids;
    RESET ROLE;
    RETURN coalesce(ids, '{}');
END $$;

CREATE PROCEDURE measure(method text, relation text, named boolean DEFAULT false) LANGUAGE plpgsql AS $$
DECLARE
    owner record;
    q record;
    ids bigint[];
    wanted bigint[];
    began timestamptz;
    given int;
    hits int;
    ms numeric;
BEGIN
    FOR owner IN SELECT * FROM holder WHERE holder.rows <> 294 ORDER BY holder.rows LOOP
        given := 0; hits := 0; ms := 0;
        FOR q IN SELECT * FROM query ORDER BY n LOOP
            began := clock_timestamp();
            ids := nearest(relation, owner.id, q.place, named);
            ms := ms + 1000 * extract(epoch FROM clock_timestamp() - began);
            IF method = 'exact' THEN INSERT INTO exact VALUES (owner.rows, q.n, ids); END IF;
            SELECT e.ids INTO wanted FROM exact e WHERE e.rows = owner.rows AND e.n = q.n;
            given := given + cardinality(ids);
            hits := hits + (SELECT count(*) FROM unnest(ids) i WHERE i = ANY (wanted));
        END LOOP;
        INSERT INTO measured (method, rows, given, recall, ms) VALUES (method, owner.rows, given / 20.0, hits / 200.0, ms / 20);
    END LOOP;
END $$;

VACUUM ANALYZE;
CALL measure('exact', 'item');
CREATE INDEX item_hnsw ON item USING hnsw (place vector_l2_ops);
CALL measure('hnsw', 'item');
SET hnsw.iterative_scan = relaxed_order;
CALL measure('hnsw, relaxed_order', 'item');
SET hnsw.iterative_scan = strict_order;
CALL measure('hnsw, strict_order', 'item');
RESET hnsw.iterative_scan;
CALL measure('hnsw, the owner named in the statement', 'item', true);
DROP INDEX item_hnsw;
CREATE INDEX item_of_one ON item USING hnsw (place vector_l2_ops) WHERE owner_id = '70f44538-106c-52ad-2a01-ffba924792e2';
CALL measure('hnsw of the largest owner alone, the owner named', 'item', true);
DROP INDEX item_of_one;
CREATE INDEX item_ivfflat ON item USING ivfflat (place vector_l2_ops) WITH (lists = 60);
CALL measure('ivfflat', 'item');
SET ivfflat.iterative_scan = relaxed_order;
CALL measure('ivfflat, relaxed_order', 'item');
RESET ivfflat.iterative_scan;
CALL measure('16 partitions by owner, hnsw', 'parted');

SELECT format('PostgreSQL %s, pgvector %s', current_setting('server_version'), extversion) FROM pg_extension WHERE extname = 'vector';
\pset tuples_only off
\pset format aligned
SELECT method, rows AS "owner's rows", round(given, 1) AS "rows of 10", round(recall, 2) AS recall, round(ms, 1) AS ms FROM measured ORDER BY at;
\connect postgres
DROP DATABASE vectors;
DROP ROLE vectors_app;
