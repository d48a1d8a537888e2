// The web page: three files, and what a browser may do with them.
#include "bindings/http/page/page_files.hpp"
#include "bindings/http/routes.hpp"

namespace ndb::http {

Response Routes::page(Action action) {
  Response response;
  switch (action) {
    case Action::page_script:
      response.body = page_files::kScript;
      response.content_type = "text/javascript; charset=utf-8";
      break;
    case Action::page_style:
      response.body = page_files::kStyle;
      response.content_type = "text/css; charset=utf-8";
      break;
    default:
      response.body = page_files::kHtml;
      response.content_type = "text/html; charset=utf-8";
      break;
  }
  // Nothing from elsewhere, nothing inline, in nobody's frame.
  response.headers = {{"Content-Security-Policy",
                       "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
                       "form-action 'none'; frame-ancestors 'none'"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cross-Origin-Resource-Policy", "same-origin"},
                      {"Cache-Control", "no-cache"}};
  return response;
}

}  // namespace ndb::http
