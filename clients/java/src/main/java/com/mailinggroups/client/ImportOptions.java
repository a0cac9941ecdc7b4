package com.mailinggroups.client;

import java.util.List;
import java.util.UUID;

/**
 * How items are imported.
 *
 * @param importId the name of the import: 1 to 64 of A-Z a-z 0-9 . _ : -. Within 7 days another
 *     call with the same name and the same items continues after those that are committed
 * @param updateMask the fields that the items carry, besides {@code id}, such as {@code name};
 *     empty means all. Contacts only
 * @param validateOnly write nothing; every item gets the outcome that it would have. Is not
 *     continued if the connection breaks
 * @param reuseFormer new contacts may take the ids of merged contacts. Contacts only
 * @param fingerprint identifies the content, such as a digest of a file, so that the import is not
 *     continued with another one; at most 128 bytes, empty means none
 * @param rejectionLimit how many rejections the result holds at most, if none handles them
 */
public record ImportOptions(
    String importId,
    List<String> updateMask,
    boolean validateOnly,
    boolean reuseFormer,
    String fingerprint,
    int rejectionLimit) {
  /**
   * Returns options for an import of all fields, with a random id, that holds 10,000 rejections.
   *
   * @return the options
   */
  public static ImportOptions defaults() {
    return new ImportOptions(UUID.randomUUID().toString(), List.of(), false, false, "", 10_000);
  }

  /**
   * Names the import.
   *
   * @param id the name
   * @return other options
   */
  public ImportOptions withImportId(String id) {
    return new ImportOptions(
        id, updateMask, validateOnly, reuseFormer, fingerprint, rejectionLimit);
  }

  /**
   * Imports some fields only.
   *
   * @param fields the fields
   * @return other options
   */
  public ImportOptions withUpdateMask(String... fields) {
    return new ImportOptions(
        importId, List.of(fields), validateOnly, reuseFormer, fingerprint, rejectionLimit);
  }

  /**
   * Writes nothing.
   *
   * @return other options
   */
  public ImportOptions withValidateOnly() {
    return new ImportOptions(importId, updateMask, true, reuseFormer, fingerprint, rejectionLimit);
  }

  /**
   * Takes the ids of merged contacts.
   *
   * @return other options
   */
  public ImportOptions withReuseFormer() {
    return new ImportOptions(importId, updateMask, validateOnly, true, fingerprint, rejectionLimit);
  }

  /**
   * Identifies the content.
   *
   * @param digest the fingerprint
   * @return other options
   */
  public ImportOptions withFingerprint(String digest) {
    return new ImportOptions(
        importId, updateMask, validateOnly, reuseFormer, digest, rejectionLimit);
  }

  /**
   * Holds another number of rejections.
   *
   * @param limit how many, at most
   * @return other options
   */
  public ImportOptions withRejectionLimit(int limit) {
    return new ImportOptions(importId, updateMask, validateOnly, reuseFormer, fingerprint, limit);
  }
}
