DELETE FROM changes WHERE kind > 9;
ALTER TABLE changes
    DROP CONSTRAINT changes_kind_check,
    DROP CONSTRAINT changes_code_check,
    ADD CONSTRAINT changes_kind_check CHECK (kind BETWEEN 1 AND 9),
    ADD CONSTRAINT changes_code_check CHECK ((code IS NOT NULL) = (kind IN (1, 2, 3, 6, 7, 9)));
DROP TABLE merged_contacts;
DROP TABLE saved_criteria_actions;
DROP TABLE saved_criteria;
DROP TABLE segment_actions;
DROP TABLE segments;
ALTER TABLE clocks
    DROP COLUMN next_criteria_number,
    DROP COLUMN next_segment_serial,
    DROP COLUMN next_segment_number;
