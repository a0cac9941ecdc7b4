package com.mailinggroups.client;

import java.util.List;

/**
 * What an import did.
 *
 * @param <S> the type of the summary
 * @param <R> the type of a rejection
 * @param summary the counts of the whole import, also of the part that an earlier call did
 * @param rejections the first items that were rejected, by index, from 0; at most as many as {@link
 *     ImportOptions#rejectionLimit} says, and none if they were handled elsewhere. The summary
 *     counts all. The item itself is missing if an earlier call sent it
 */
public record ImportResult<S, R>(S summary, List<R> rejections) {}
