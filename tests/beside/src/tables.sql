CREATE TABLE task (id serial PRIMARY KEY, owner_id bigint NOT NULL, title text NOT NULL, note text);
