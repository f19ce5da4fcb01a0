// Key pairs made by openssl for these tests only.
#pragma once

#include <string_view>

namespace ledge::auth::test {

inline constexpr std::string_view ec_private =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgTHpolN5YGhCFeQYg\n"
    "9Jy9zNWBguUwIwAGhQK/SF5pvemhRANCAARznrPzPe6rHzkW2Q1mlmZFXpLp33sy\n"
    "7jsPLMCmNloLnNLjtAmw6dSsGPAeIUVbsL1IuGOM0i94q+60zYHmvdnS\n"
    "-----END PRIVATE KEY-----\n";
inline constexpr std::string_view ec_private_sec1 =  // the same key in its older form
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEIEx6aJTeWBoQhXkGIPScvczVgYLlMCMABoUCv0heab3poAoGCCqGSM49\n"
    "AwEHoUQDQgAEc56z8z3uqx85FtkNZpZmRV6S6d97Mu47DyzApjZaC5zS47QJsOnU\n"
    "rBjwHiFFW7C9SLhjjNIveKvutM2B5r3Z0g==\n"
    "-----END EC PRIVATE KEY-----\n";
inline constexpr std::string_view ec_public =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEc56z8z3uqx85FtkNZpZmRV6S6d97\n"
    "Mu47DyzApjZaC5zS47QJsOnUrBjwHiFFW7C9SLhjjNIveKvutM2B5r3Z0g==\n"
    "-----END PUBLIC KEY-----\n";
inline constexpr std::string_view ec_other_curve =  // secp256k1
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQgz0+33GGGqkoGsOqSP0Fe\n"
    "6hw/vYtwALVh7rqXYHFSkG+hRANCAARkVGCjoSb2dmsMfaDR1WVMHuWDqKrd5MTR\n"
    "7KiS/QEe+3QMiIRRyQSHt8hUUHVza84avseN8LDHn1Q8nWMnmvif\n"
    "-----END PRIVATE KEY-----\n";
inline constexpr std::string_view rsa_private =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQC4QIu/IY43u1hX\n"
    "4ixIsZRx+qLfRE2OtQ8DaEZKREU6vraiUnTwLErpCEWNJYoM+xxk+BuCbgpYx/zc\n"
    "ivDxkQfBhwdlI6rHJNXfmlJaFc1KbYIchW4jJfGMtWj9a3+fED/Ykz3axKyMZRDB\n"
    "9L1tC+wAX5rvLEmJS6aKkEx1LgpiCVga5zBIXixgRoLKRTn427r8VVUN8TUmF+z1\n"
    "vxdY3C6cSgt8NjtB4eVZWda4tnsgkaSohqLBF3iqCIkUYhfqaEPcKVcHLsNHXJKT\n"
    "vXfbxcfWgLqJ1rk0E8c2zrEgAVv56qZ24wMb+qNN7EqHBFwnyon/OU7bLgzHub1X\n"
    "ZLW5CBwXAgMBAAECggEAWbPe9WoeRabZj0vHOIrwFP+rfNxRkAk5KnUBR5XuSHfi\n"
    "DavsT6OYwtQqnFmq2MAGZmfeaMUvF2MiCbNBM7JinschBA31zmdyEp8cucwEethO\n"
    "sJkLcmQ+Mb1+RGaqJuQv2T5yLkhzIxTvMCZ5dJYJy3LASPH8STIB/lLbTm9gUbKc\n"
    "bBzKpwy6SM9dQ8OBiYs1y5FNZ/RY5hwtKuuqIAPUqEMCTuyHhYNKPOlcDBJVNmgD\n"
    "yCDETsB0XInrAC/Xg/mZHv9TUJvYHjfk/biKHSJuBpFVIO4ml438SQyzM0l4VoIx\n"
    "aH0L67464xiS27eb3p64QzLUQ3eh6BA6iTXFwhEXmQKBgQDbsb9AiTPIlgbnXgVM\n"
    "o7NlZdReFKsWRibYIIl3bEQV+HNNjwjGirf6sqEJYdF4v6ZH6MJ48QojId/ViSC1\n"
    "nTCohfNL2wHo7LWlOrEMM1uqhlSLND4QKsyyDp+zxl5eFxOrKlw6VRUEAaZBVzps\n"
    "mSfpWysHStFIMi8pBBn+KlXp3wKBgQDWs2c6MYt0ag/uZGqqYXCAoq22McPTN9Jn\n"
    "0IVny3UpKd14EBjN09hVDGwZK2eKWJCuCZbuguN2fgLXqBnXxC0G8DrEVo7KDtix\n"
    "46IZZWgH+IieDkcYAscupayheUq0bHISSuwTtJ9S5Wa8XSdT9OnUF4Ilelra9sa/\n"
    "FCo58ZQEyQKBgQCRKvWORlriW0g6j+T+jFkZUl0uwYd/k2FNhMpxECg5QE+oWzBY\n"
    "SQdi76/7TBinKjRM5d/DHLsvFc4bAp6Lg0/Iu6JVaGTtraQlhw/AWRtkJZkt1pqA\n"
    "Alf5/DHJD/YBRExp2PbSULAvUouyN1pSsi0uRGC9U9HQW+DPwHcQfJcCjwKBgAz1\n"
    "v2Fv5C8ex99oCFhIkXXyW/IHhv6U/ApwN91QFr5pXIkGz7h89S4NFelfCVz8g589\n"
    "zPKQzBI3AQzrhMPVf7JPhfycDPp9cu8qAnrt+B2jDvwbeIcmg8d5ELaej7fcY/Ze\n"
    "t2lpGcTzPARayyjyO7slwCFrBVj6VHzsRrBAuOKhAoGBAK68cCKJIm7c3wLX86to\n"
    "pE2rk06XcuhnXJ0x3Hns42gTHjWLh+OIxrsiZK5KYw/VHQ0PwIttiRfGbA0Fv5es\n"
    "6XrzM/w3CEObDzazfGnH6wK5SLTFSDYOuth4lPIpq2lD/ROklK+b/cMP1BxmCtW7\n"
    "Qr+MtmWLDukhcNfUWPffggn3\n"
    "-----END PRIVATE KEY-----\n";
inline constexpr std::string_view rsa_public =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAuECLvyGON7tYV+IsSLGU\n"
    "cfqi30RNjrUPA2hGSkRFOr62olJ08CxK6QhFjSWKDPscZPgbgm4KWMf83Irw8ZEH\n"
    "wYcHZSOqxyTV35pSWhXNSm2CHIVuIyXxjLVo/Wt/nxA/2JM92sSsjGUQwfS9bQvs\n"
    "AF+a7yxJiUumipBMdS4KYglYGucwSF4sYEaCykU5+Nu6/FVVDfE1Jhfs9b8XWNwu\n"
    "nEoLfDY7QeHlWVnWuLZ7IJGkqIaiwRd4qgiJFGIX6mhD3ClXBy7DR1ySk71328XH\n"
    "1oC6ida5NBPHNs6xIAFb+eqmduMDG/qjTexKhwRcJ8qJ/zlO2y4Mx7m9V2S1uQgc\n"
    "FwIDAQAB\n"
    "-----END PUBLIC KEY-----\n";

}  // namespace ledge::auth::test
