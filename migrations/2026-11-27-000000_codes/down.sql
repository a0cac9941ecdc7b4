ALTER TABLE mailing_groups
    DROP CONSTRAINT mailing_groups_code_check,
    ADD CONSTRAINT mailing_groups_code_check CHECK (
        char_length(code) BETWEEN 1 AND 11
        AND code IS NFC NORMALIZED
        AND code !~ '[\u0001-\u002F\u003A-\u0040\u005B-\u007F]'
    );
