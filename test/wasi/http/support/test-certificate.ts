/**
 * A self-signed certificate for the name `secure.example`, valid until 2126, and its key. Both guard nothing: they
 * exist so that tests can serve TLS on the loopback without a tool that makes certificates.
 */
export const TEST_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBpTCCAUqgAwIBAgIURSgZQ/HfXIc3q8K6vh5kuvoUDLMwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOc2VjdXJlLmV4YW1wbGUwIBcNMjYxMTIzMTcxOTUxWhgPMjEy
NjEwMzAxNzE5NTFaMBkxFzAVBgNVBAMMDnNlY3VyZS5leGFtcGxlMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEOA5LPbsI66OaPMmkl6FoxkL6pBTsXD2ukUh7YswE
V9tS+jvjcg/67Bc5hpvFwQEdelJMWHoizrnFoZsHokcFIaNuMGwwHQYDVR0OBBYE
FJrBK5NX2iCn/tZGDn4qWTO45InkMB8GA1UdIwQYMBaAFJrBK5NX2iCn/tZGDn4q
WTO45InkMA8GA1UdEwEB/wQFMAMBAf8wGQYDVR0RBBIwEIIOc2VjdXJlLmV4YW1w
bGUwCgYIKoZIzj0EAwIDSQAwRgIhANzswdFaOtnoav3P+M1QgzTpbkIiQoT10vj/
+6fLq+5PAiEAzGV67NcR9/zvAy3cPFVGu3AzyNt8R2LLmauREJwjF1A=
-----END CERTIFICATE-----
`;

export const TEST_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgaAbIPQNPvYhV2SzL
SL+aS1rumIQZkg6EwFsNVO93StOhRANCAAQ4Dks9uwjro5o8yaSXoWjGQvqkFOxc
Pa6RSHtizARX21L6O+NyD/rsFzmGm8XBAR16UkxYeiLOucWhmweiRwUh
-----END PRIVATE KEY-----
`;
