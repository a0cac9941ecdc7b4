package mailinggroups

import (
	"fmt"

	"google.golang.org/protobuf/proto"
)

// pull reads the next item, unless the source has ended.
func (i *importing[T, Req, Res, R, S]) pull() (T, error) {
	if len(i.held) > 0 {
		item := i.held[0]
		i.held = nil
		return item, nil
	}
	item, err, ok := i.next()
	if err != nil {
		return item, callerError{err}
	}
	i.exhausted = !ok
	return item, nil
}

// pullChunk reads the items of a chunk.
func (i *importing[T, Req, Res, R, S]) pullChunk() ([]T, error) {
	var items []T
	bytes := 0
	for len(items) < maxChunkItems {
		item, err := i.pull()
		if err != nil || i.exhausted {
			return items, err
		}
		bytes += proto.Size(item) + maxItemOverhead
		if bytes > maxChunkBytes && len(items) > 0 {
			i.held = []T{item}
			break
		}
		items = append(items, item)
	}
	return items, nil
}

// skip acknowledges the items before an index, and reads those that an earlier run committed. It
// returns the last item that it read.
func (i *importing[T, Req, Res, R, S]) skip(end int64) (item T, err error) {
	if err := i.acknowledge(min(end, i.total())); err != nil {
		return item, err
	}
	for i.result.Committed < end {
		if item, err = i.pull(); err != nil {
			return item, err
		}
		if i.exhausted {
			return item, fmt.Errorf("%w: %d items, and more are committed", ErrSourceChanged, i.result.Committed)
		}
		i.result.Committed++
	}
	return item, nil
}

// total is the number of items read.
func (i *importing[T, Req, Res, R, S]) total() int64 {
	total := i.result.Committed
	for _, chunk := range i.chunks {
		total += int64(len(chunk))
	}
	return total
}

// rejected delivers a rejection, unless it was delivered before.
func (i *importing[T, Req, Res, R, S]) rejected(index int64, rejection *R) error {
	if index < i.known {
		return nil
	}
	item, err := i.item(index)
	if err != nil {
		return err
	}
	i.name(rejection, item)
	i.known = index + 1
	switch {
	case i.onRejection != nil:
		if err := i.onRejection(rejection); err != nil {
			return callerError{err}
		}
	case len(i.result.Rejections) < maxRejections:
		i.result.Rejections = append(i.result.Rejections, rejection)
	}
	return nil
}

// item is the item of a rejection: it is in flight, or was sent by an earlier run.
func (i *importing[T, Req, Res, R, S]) item(index int64) (item T, err error) {
	offset := index - i.result.Committed
	for _, chunk := range i.chunks {
		if offset < int64(len(chunk)) {
			return chunk[offset], nil
		}
		offset -= int64(len(chunk))
	}
	if i.ready {
		return item, fmt.Errorf("%w: it rejected item %d, which is not in flight", ErrProtocol, index)
	}
	return i.skip(index + 1)
}

// acknowledge drops the items before an index, which are committed or rejected.
func (i *importing[T, Req, Res, R, S]) acknowledge(end int64) error {
	if end > i.total() {
		return fmt.Errorf("%w: it acknowledged item %d, which is not in flight", ErrProtocol, end)
	}
	i.known = max(i.known, end)
	for i.result.Committed < end {
		count := min(end-i.result.Committed, int64(len(i.chunks[0])))
		i.result.Committed += count
		if i.chunks[0] = i.chunks[0][count:]; len(i.chunks[0]) == 0 {
			i.chunks = i.chunks[1:]
		}
	}
	return nil
}
