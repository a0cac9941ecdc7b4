DELETE FROM imports WHERE update_mask !~ '^[a-z_,]*$';
ALTER TABLE imports
    DROP CONSTRAINT imports_update_mask_check,
    ADD CONSTRAINT imports_update_mask_check CHECK (update_mask ~ '^[a-z_,]*$');
DROP TABLE contact_attributes;
ALTER TABLE contacts DROP COLUMN attributes;
