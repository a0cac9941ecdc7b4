DROP INDEX changes_deleted_ids_idx;
