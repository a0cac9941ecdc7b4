package mailinggroups

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// In the repository, what the package carries of it is the same.
func TestThePackageBelongsToTheRepository(t *testing.T) {
	manifest, err := os.ReadFile("../../Cargo.toml")
	if err != nil {
		t.Skip("not in the repository")
	}
	if !strings.Contains(string(manifest), "\nversion = \""+Version+"\"\n") {
		t.Errorf("version %s is not that of Cargo.toml", Version)
	}
	config, err := os.ReadFile("../service_config.json")
	check(t, err)
	if string(config) != serviceConfig {
		t.Error("service_config.json differs; run clients/go/generate")
	}
}

func TestATokenGoesToAnotherComputerByTLSOnly(t *testing.T) {
	for address, local := range map[string]bool{
		"localhost:1": true, "127.0.0.1:1": true, "[::1]:1": true, "dns:///localhost:1": true, "unix:/tmp/x": true,
		"passthrough:///127.0.0.9:1": true, "example.com:1": false, "10.0.0.1:1": false, "dns:///example.com": false,
		"localhost.example:1": false, "dns://8.8.8.8/localhost:1": false, ":1": false,
	} {
		_, err := New(address, Config{Token: "secret"})
		equal(t, address, err == nil, local)
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
		for _, config := range []Config{{}, {Token: "secret", AllowPlaintextToken: true}, {Token: "secret", TLS: &tls.Config{}}} {
			_, err := New(address, config)
			check(t, err)
		}
	}
}

func TestWrongConfigurations(t *testing.T) {
	folder := t.TempDir()
	empty := filepath.Join(folder, "empty.pem")
	check(t, os.WriteFile(empty, nil, 0o600))
	for _, files := range [][3]string{{"none.pem"}, {empty}, {"", empty, empty}, {"", "", empty}} {
		if _, err := LoadTLS(files[0], files[1], files[2]); err == nil {
			t.Errorf("%v", files)
		}
	}
	_, err := New("http://localhost:1", Config{})
	if err == nil || !strings.Contains(err.Error(), "host:port") {
		t.Error(err)
	}
	source := Config{Token: "secret"}
	source.TokenSource, _ = source.token("localhost:1")
	if _, err := New("localhost:1", source); err == nil {
		t.Error("two tokens")
	}
	config, err := LoadTLS("", "", "")
	check(t, err)
	if config.RootCAs != nil {
		t.Error("not the authorities of the system")
	}
}
