package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// identity names the files of the own side, and the node that has to be the other.
type identity struct{ ca, cert, key, peer string }

// tlsConfig serves both sides.
func tlsConfig(who identity) (*tls.Config, error) {
	certificate, err := tls.LoadX509KeyPair(who.cert, who.key)
	if err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(who.ca)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s holds no certificate", who.ca)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{certificate},
		RootCAs:      pool,
		ServerName:   who.peer,
		ClientCAs:    pool,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		MinVersion:   tls.VersionTLS13,
		// small records first would be for a browser that waits
		DynamicRecordSizingDisabled: true,
		SessionTicketsDisabled:      true,
		VerifyConnection: func(state tls.ConnectionState) error {
			if name := state.PeerCertificates[0].Subject.CommonName; name != "pages."+who.peer {
				return fmt.Errorf("the certificate names %s, expected pages.%s", name, who.peer)
			}
			return nil
		},
	}, nil
}
