package model

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// A scramServer is the server side of SCRAM-SHA-256. An impostor does not know the password, and cannot prove its identity.
type scramServer struct {
	stage     int
	dishonest bool
	first     string // the client's first message, without the header
	own       string // the server's first message
}

const (
	user     = "ada"
	password = "secret"
	salt     = "salt of ada"
	rounds   = 4096
)

func (s *server) startAuth(rec *record) {
	s.scram = scramServer{dishonest: s.step.chance(Refuse, 2)}
	s.auth = rec
	if len(rec.args) > 1 {
		s.authenticate(rec.args[1].text)
		return
	}
	s.put("+ ")
}

// authenticate handles one response of the client.
func (s *server) authenticate(line string) {
	rec := s.auth
	text, err := base64.StdEncoding.DecodeString(line)
	if line == "*" && s.scram.dishonest && s.step.of(Refuse).one(2) {
		s.auth = nil
		s.finish(rec, "OK", "", "logged in all the same")
		return
	}
	if err != nil || line == "*" {
		s.auth = nil
		s.finish(rec, "BAD", "", "cancelled")
		return
	}
	switch s.scram.stage++; s.scram.stage {
	case 1:
		s.serverFirst(string(text))
	case 2:
		s.serverFinal(string(text))
	default:
		s.auth = nil
		s.loggedIn = !s.scram.dishonest
		s.knows = s.knows || s.loggedIn
		s.finish(rec, "OK", "", "logged in")
	}
}

func (s *server) serverFirst(text string) {
	_, s.scram.first, _ = strings.Cut(text, ",,")
	_, nonce, _ := strings.Cut(s.scram.first, ",r=")
	s.scram.own = fmt.Sprintf("r=%sXYZ,s=%s,i=%d", nonce, base64.StdEncoding.EncodeToString([]byte(salt)), rounds)
	s.challenge(s.scram.own)
}

func (s *server) challenge(text string) {
	s.put("+ %s", base64.StdEncoding.EncodeToString([]byte(text)))
}

func (s *server) serverFinal(text string) {
	withoutProof, _, _ := strings.Cut(text, ",p=")
	secret := password
	if s.scram.dishonest {
		secret = "unknown"
		if s.step.of(Refuse).one(2) { // OK at once
			rec := s.auth
			s.auth = nil
			s.finish(rec, "OK", "", "logged in")
			return
		}
	}
	salted, _ := pbkdf2.Key(sha256.New, secret, []byte(salt), rounds, sha256.Size)
	signature := mac(mac(salted, "Server Key"), s.scram.first+","+s.scram.own+","+withoutProof)
	s.challenge("v=" + base64.StdEncoding.EncodeToString(signature))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
