package mailinggroups

import (
	"context"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/mailing-groups/mailing-groups/clients/go/mailinggroupsv1"
)

// fake is a server that does what a test says.
type fake struct {
	pb.UnimplementedMailingGroupsServer
	pb.UnimplementedContactsServer

	create        func(context.Context, *pb.CreateMailingGroupRequest) error
	members       func(*pb.StreamSegmentMembersRequest, grpc.ServerStreamingServer[pb.StreamSegmentMembersResponse]) error
	export        func(*pb.ExportContactsRequest, grpc.ServerStreamingServer[pb.ExportContactsResponse]) error
	watch         func(*pb.WatchChangesRequest, grpc.ServerStreamingServer[pb.WatchChangesResponse]) error
	importContact func(grpc.BidiStreamingServer[pb.ImportContactsRequest, pb.ImportContactsResponse]) error
}

func (f *fake) CreateMailingGroup(ctx context.Context, request *pb.CreateMailingGroupRequest) (*pb.CreateMailingGroupResponse, error) {
	return &pb.CreateMailingGroupResponse{}, f.create(ctx, request)
}

func (f *fake) StreamSegmentMembers(request *pb.StreamSegmentMembersRequest,
	stream grpc.ServerStreamingServer[pb.StreamSegmentMembersResponse],
) error {
	return f.members(request, stream)
}

func (f *fake) ExportContacts(request *pb.ExportContactsRequest,
	stream grpc.ServerStreamingServer[pb.ExportContactsResponse],
) error {
	return f.export(request, stream)
}

func (f *fake) WatchChanges(request *pb.WatchChangesRequest,
	stream grpc.ServerStreamingServer[pb.WatchChangesResponse],
) error {
	return f.watch(request, stream)
}

func (f *fake) ImportContacts(stream grpc.BidiStreamingServer[pb.ImportContactsRequest, pb.ImportContactsResponse]) error {
	return f.importContact(stream)
}

// serve starts the server and makes a client of it.
func (f *fake) serve(t *testing.T, config Config) *Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	server := grpc.NewServer()
	pb.RegisterMailingGroupsServer(server, f)
	pb.RegisterContactsServer(server, f)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	client, err := New(listener.Addr().String(), config)
	check(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func incoming(ctx context.Context, key string) string {
	md, _ := metadata.FromIncomingContext(ctx)
	if values := md.Get(key); len(values) == 1 {
		return values[0]
	}
	return ""
}

func unavailable() error { return status.Error(codes.Unavailable, "away") }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t *testing.T, what string, actual, expected T) {
	t.Helper()
	if actual != expected {
		t.Fatalf("%s: %v instead of %v", what, actual, expected)
	}
}
