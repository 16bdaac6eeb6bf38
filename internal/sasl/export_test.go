package sasl

// The example of RFC 2831 section 4.
const (
	ExampleChallenge = digestChallenge1
	ExampleResponse  = digestResponse1
	ExampleAnswer    = digestAnswer1
)

// DigestExample is the mechanism of the example, with the nonce that it shows and without the name of the server.
func DigestExample() Mechanism {
	m := chris()
	m.host = ""
	return m
}
