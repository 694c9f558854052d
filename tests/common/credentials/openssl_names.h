#pragma once

#include <string>
#include <vector>

struct x509_st;

namespace lockstep {

/// A self-signed certificate with the alternative names `names` (OpenSSL's own notation,
/// "URI:…,DNS:…"; empty for no such extension) and the subject's common name: what a program other
/// than Lockstep may show. The caller owns it.
x509_st* MakeForeignCertificate(const std::string& names, const std::string& common_name);

/// A certificate's alternative names, "KIND:value" each.
std::vector<std::string> AlternativeNames(x509_st* certificate);

/// What OpenSSL prints of a whole certificate.
std::string PrintCertificate(x509_st* certificate);

}  // namespace lockstep
