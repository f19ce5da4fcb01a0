// SHA-256, HMAC and the envelope.
#include "device.hpp"

using fwclient::bytes;
using fwclient::Packet;
using fwclient::shown;

namespace {

Packet text_bytes(const std::string& text) { return {text.begin(), text.end()}; }

std::string sha256(const Packet& data) {
    fwb_sha256 hash;
    Packet digest(32);
    fwb_sha256_init(&hash);
    fwb_sha256_add(&hash, data.data(), static_cast<std::uint32_t>(data.size()));
    fwb_sha256_end(&hash, digest.data());
    return shown(digest);
}

std::string hmac(const Packet& key, const Packet& data) {
    fwb_sha256 hash;
    Packet tag(32);
    fwb_hmac_start(&hash, key.data(), static_cast<std::uint32_t>(key.size()));
    fwb_sha256_add(&hash, data.data(), static_cast<std::uint32_t>(data.size()));
    fwb_hmac_end(&hash, key.data(), static_cast<std::uint32_t>(key.size()), tag.data());
    return shown(tag);
}

fwb_key key_of_device() {
    fwb_key key{};
    for (std::uint8_t i = 0; i < 8; ++i) key.device[i] = static_cast<std::uint8_t>(0xD0 + i);
    for (std::uint8_t i = 0; i < 8; ++i) key.gateway[i] = static_cast<std::uint8_t>(0xE0 + i);
    for (std::uint8_t i = 0; i < 32; ++i) key.secret[i] = i;
    return key;
}

/// The same key at the other end, which is the gateway.
fwb_key key_of_gateway() {
    fwb_key key = key_of_device();
    std::swap(key.device, key.gateway);
    return key;
}

Packet sealed(fwb_seals& seals, const Packet& packet) {
    Packet out(FWB_MTU);
    out.resize(fwb_seal(&seals, packet.data(), 2, packet.data() + 2, static_cast<std::uint8_t>(packet.size() - 2),
                        0x01020304, out.data()));
    return out;
}

Packet unsealed(fwb_seals& seals, const Packet& envelope) {
    const Packet alone = envelope;  // of this size exactly, for the address sanitizer
    const std::uint8_t* inner = nullptr;
    const std::uint8_t size = fwb_unseal(&seals, alone.data(), static_cast<std::uint16_t>(alone.size()), &inner);
    return size == 0 ? Packet{} : Packet(inner, inner + size);
}

}  // namespace

TEST_CASE("SHA-256: the examples of FIPS 180-4") {
    CHECK(sha256({}) == shown(bytes("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")));
    CHECK(sha256(text_bytes("abc")) ==
          shown(bytes("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")));
    CHECK(sha256(text_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
          shown(bytes("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")));
    CHECK(sha256(Packet(1'000'000, 'a')) ==
          shown(bytes("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")));
}

TEST_CASE("HMAC-SHA256: the test cases 1 to 4, 6 and 7 of RFC 4231") {
    CHECK(hmac(Packet(20, 0x0b), text_bytes("Hi There")) ==
          shown(bytes("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")));
    CHECK(hmac(text_bytes("Jefe"), text_bytes("what do ya want for nothing?")) ==
          shown(bytes("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")));
    CHECK(hmac(Packet(20, 0xaa), Packet(50, 0xdd)) ==
          shown(bytes("773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe")));
    CHECK(hmac(bytes("0102030405060708090a0b0c0d0e0f10111213141516171819"), Packet(50, 0xcd)) ==
          shown(bytes("82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b")));
    CHECK(hmac(Packet(131, 0xaa), text_bytes("Test Using Larger Than Block-Size Key - Hash Key First")) ==
          shown(bytes("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")));
    CHECK(
        hmac(Packet(131, 0xaa),
             text_bytes("This is a test using a larger than block-size key and a larger than block-size data. The key "
                        "needs to be hashed before being used by the HMAC algorithm.")) ==
        shown(bytes("9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2")));
}

TEST_CASE("envelope: the fields stand where PROTOCOL.md says, and the tag covers all of them") {
    const fwb_key key = key_of_device();
    fwb_seals seals{&key, 4, 0};
    const Packet envelope = sealed(seals, bytes("02 16"));
    REQUIRE(envelope.size() == 30);
    CHECK(shown(envelope).substr(0, 3 * 22 - 1) == "1e ff 42 00 d0 d1 d2 d3 d4 d5 d6 d7 01 02 03 04 00 00 00 05 02 16");
    const std::string whole = hmac(Packet(key.secret, key.secret + 32), Packet(envelope.begin(), envelope.end() - 8));
    CHECK(shown(Packet(envelope.end() - 8, envelope.end())) == whole.substr(0, 3 * 8 - 1));
    CHECK(whole.substr(0, 3 * 8 - 1) == "38 5b 1e b9 e2 b6 71 fb");  // made with Python's hmac
}

TEST_CASE("envelope: what one end seals, the other end opens, once") {
    const fwb_key device_key = key_of_device();
    const fwb_key gateway_key = key_of_gateway();
    fwb_seals device{&device_key, 0, 0};
    fwb_seals gateway{&gateway_key, 0, 0};
    const Packet first = sealed(device, bytes("02 16"));
    const Packet second = sealed(device, bytes("05 'abcd'"));
    CHECK(unsealed(gateway, second) == bytes("05 'abcd'"));
    CHECK(unsealed(gateway, second).empty());                         // seen before
    CHECK(unsealed(gateway, first).empty());                          // older
    CHECK(unsealed(device, sealed(device, bytes("02 16"))).empty());  // its own envelope, sent back
    CHECK(unsealed(device, sealed(gateway, bytes("02 17"))) == bytes("02 17"));
}

TEST_CASE("envelope: each changed bit, each truncation and each wrong length is refused") {
    const fwb_key device_key = key_of_device();
    const fwb_key gateway_key = key_of_gateway();
    fwb_seals device{&device_key, 0, 0};
    fwb_seals gateway{&gateway_key, 0, 0};
    const Packet envelope = sealed(device, bytes("08 'abcdefg'"));
    for (std::size_t bit = 0; bit < 8 * envelope.size(); ++bit) {
        Packet changed = envelope;
        changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1U << bit % 8);
        // The random field is covered by the tag too, so no bit is free.
        REQUIRE(unsealed(gateway, changed).empty());
    }
    for (std::size_t size = 0; size < envelope.size(); ++size) {
        Packet cut(envelope.begin(), envelope.begin() + static_cast<std::ptrdiff_t>(size));
        REQUIRE(unsealed(gateway, cut).empty());
        if (size > 0) cut[0] = static_cast<std::uint8_t>(size);
        REQUIRE(unsealed(gateway, cut).empty());
    }
    CHECK(gateway.seen == 0);  // nothing of that moved the counter
    CHECK(unsealed(gateway, envelope) == bytes("08 'abcdefg'"));
}

TEST_CASE("envelope: a packet that does not fit and a used-up counter are refused") {
    const fwb_key key = key_of_device();
    fwb_seals seals{&key, 0, 0};
    CHECK(sealed(seals, Packet(FWB_MTU - FWB_SEAL_BYTES, 1)).size() == FWB_MTU);
    CHECK(sealed(seals, Packet(FWB_MTU - FWB_SEAL_BYTES + 1, 1)).empty());
    seals.sent = 0xFFFFFFFE;
    CHECK(sealed(seals, bytes("02 16")).size() == 30);
    CHECK(sealed(seals, bytes("02 16")).empty());
    CHECK(sealed(seals, bytes("02 16")).empty());
}
