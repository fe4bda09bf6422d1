//! Heads as these programs and servers send them; names, addresses and cookies are made up.

pub struct Sample {
    pub name: &'static str,
    pub text: &'static str,
    /// One of those that the target speaks of.
    pub browser: bool,
}

pub const REQUESTS: &[Sample] = &[
    Sample {
        name: "chrome",
        browser: true,
        text: "GET /guide/index.html?from=search HTTP/1.1\r\n\
               Host: www.example.org:8080\r\n\
               Connection: keep-alive\r\n\
               Cache-Control: max-age=0\r\n\
               sec-ch-ua: \"Chromium\";v=\"128\", \"Not;A=Brand\";v=\"24\", \"Google Chrome\";v=\"128\"\r\n\
               sec-ch-ua-mobile: ?0\r\n\
               sec-ch-ua-platform: \"Linux\"\r\n\
               Upgrade-Insecure-Requests: 1\r\n\
               User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36\r\n\
               Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7\r\n\
               Sec-Fetch-Site: same-origin\r\n\
               Sec-Fetch-Mode: navigate\r\n\
               Sec-Fetch-User: ?1\r\n\
               Sec-Fetch-Dest: document\r\n\
               Referer: http://www.example.org:8080/\r\n\
               Accept-Encoding: gzip, deflate, br, zstd\r\n\
               Accept-Language: en-US,en;q=0.9,de;q=0.8\r\n\
               Cookie: session=4f1c7a90d2be4c5f8a3b; theme=dark\r\n\
               \r\n",
    },
    Sample {
        name: "firefox",
        browser: true,
        text: "GET /guide/index.html HTTP/1.1\r\n\
               Host: www.example.org:8080\r\n\
               User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:129.0) Gecko/20100101 Firefox/129.0\r\n\
               Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/png,image/svg+xml,*/*;q=0.8\r\n\
               Accept-Language: en-US,en;q=0.5\r\n\
               Accept-Encoding: gzip, deflate, br, zstd\r\n\
               Connection: keep-alive\r\n\
               Cookie: session=4f1c7a90d2be4c5f8a3b; theme=dark\r\n\
               Upgrade-Insecure-Requests: 1\r\n\
               Sec-Fetch-Dest: document\r\n\
               Sec-Fetch-Mode: navigate\r\n\
               Sec-Fetch-Site: none\r\n\
               Sec-Fetch-User: ?1\r\n\
               Priority: u=0, i\r\n\
               \r\n",
    },
    Sample {
        name: "safari",
        browser: true,
        text: "GET /styles/main.css HTTP/1.1\r\n\
               Host: www.example.org\r\n\
               Connection: keep-alive\r\n\
               Accept: text/css,*/*;q=0.1\r\n\
               User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15\r\n\
               Referer: http://www.example.org/guide/\r\n\
               Accept-Language: en-GB,en;q=0.9\r\n\
               Accept-Encoding: gzip, deflate\r\n\
               \r\n",
    },
    Sample {
        name: "curl",
        browser: false,
        text: "GET /users/42 HTTP/1.1\r\n\
               Host: 127.0.0.1:8080\r\n\
               User-Agent: curl/8.9.1\r\n\
               Accept: */*\r\n\
               \r\n",
    },
    Sample {
        name: "wrk",
        browser: false,
        text: "GET /-/health HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n",
    },
    Sample { name: "cookie-2k", browser: false, text: COOKIE_2K },
    Sample { name: "long", browser: false, text: LONG },
];

pub const RESPONSES: &[Sample] = &[
    Sample {
        name: "nginx",
        browser: false,
        text: "HTTP/1.1 200 OK\r\n\
               Server: nginx/1.26.2\r\n\
               Date: Wed, 11 Sep 2024 09:21:04 GMT\r\n\
               Content-Type: text/html\r\n\
               Content-Length: 615\r\n\
               Last-Modified: Wed, 14 Aug 2024 08:00:00 GMT\r\n\
               Connection: keep-alive\r\n\
               ETag: \"66bc63c0-267\"\r\n\
               Accept-Ranges: bytes\r\n\
               \r\n",
    },
    Sample {
        name: "apache",
        browser: false,
        text: "HTTP/1.1 200 OK\r\n\
               Date: Wed, 11 Sep 2024 09:21:04 GMT\r\n\
               Server: Apache/2.4.62 (Debian)\r\n\
               Last-Modified: Wed, 14 Aug 2024 08:00:00 GMT\r\n\
               ETag: \"29cd-61fa0a1f2d440\"\r\n\
               Accept-Ranges: bytes\r\n\
               Content-Length: 10701\r\n\
               Vary: Accept-Encoding\r\n\
               Keep-Alive: timeout=5, max=100\r\n\
               Connection: Keep-Alive\r\n\
               Content-Type: text/html\r\n\
               \r\n",
    },
    Sample {
        name: "cdn",
        browser: false,
        text: "HTTP/1.1 200 OK\r\n\
               Connection: keep-alive\r\n\
               Content-Length: 48236\r\n\
               Content-Type: application/javascript; charset=utf-8\r\n\
               Server: cloudfront\r\n\
               Date: Wed, 11 Sep 2024 09:21:04 GMT\r\n\
               Last-Modified: Tue, 10 Sep 2024 16:02:11 GMT\r\n\
               ETag: W/\"bc6c-191dc8d1b38\"\r\n\
               Cache-Control: public, max-age=31536000, immutable\r\n\
               Content-Security-Policy: default-src 'self'; script-src 'self' https://cdn.example.net; img-src * data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'\r\n\
               Strict-Transport-Security: max-age=63072000; includeSubDomains; preload\r\n\
               X-Content-Type-Options: nosniff\r\n\
               X-Frame-Options: DENY\r\n\
               Referrer-Policy: strict-origin-when-cross-origin\r\n\
               Permissions-Policy: camera=(), microphone=(), geolocation=()\r\n\
               Access-Control-Allow-Origin: *\r\n\
               Timing-Allow-Origin: *\r\n\
               Accept-Ranges: bytes\r\n\
               Age: 8412\r\n\
               Vary: Accept-Encoding, Origin\r\n\
               Via: 1.1 varnish, 1.1 4c8f0d1e7a6b.example.net (CloudFront)\r\n\
               X-Served-By: cache-fra-etou8220090-FRA, cache-muc13924-MUC\r\n\
               X-Cache: HIT, MISS\r\n\
               X-Cache-Hits: 12, 0\r\n\
               X-Timer: S1726046464.104921,VS0,VE1\r\n\
               X-Request-Id: 7d9f2b64-0a1c-4e55-9f0e-3b8a7c1d2e4f\r\n\
               Set-Cookie: edge=9c1f4e7ab2d04d5e; Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=Lax\r\n\
               Alt-Svc: h3=\":443\"; ma=86400\r\n\
               \r\n",
    },
];

/// One cookie of 2 KB among ordinary fields.
const COOKIE_2K: &str = "GET /account HTTP/1.1\r\n\
     Host: www.example.org\r\n\
     Connection: keep-alive\r\n\
     User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36\r\n\
     Accept: */*\r\n\
     Cookie: session=TyGJMuHbEL31IeL2HPcHyGcFRl1SPnXNYvMIHa_2o76umfXfKm_r5kJP1VrT-1FJ; _ga=ors_6I\
     Li8IHn5kxsC7tVO_HbkQfyy_KV5zjR3j1twdTKWTddB-XhkAS1voQG6yyzyN9zHYIa4UOrGNATMuDJawTgsu\
     8PO-799nKSNrh9UCauSDmLhuVtcqcYezdZ_tDD; _gid=8hYs5suKcNd8Zra9A9sKPxZ9W3qLy7zKUVQDT7S\
     8sTQCBNR3YbDgbleph1QHt61Q; csrftoken=TC4XATWS8PHp9NHfYjFM5DI4pZj59fhZ5R1Py4oJe2JbmPT\
     uSgR7cMy-UcU3zr1ZtoLuCr64CxqlIOdNKhiFXiQ2hzT_pLjHX2JiCLhKcIhP6Br1iQFeOUhGXZnnal5W; p\
     refs=sCgEBCY8f5N3_ynbdrZRzsGQBJg3UHKwkflF6XUi5AhuqpfEnbtXAqwK8jZfALhL; cart=zFyCmmdK\
     Txp_TkSF2RCdKDFRuNw5GCf-hA6I; ab_test=LI8gJhead6_wJ9kFZJSqgmRB9H-iMb-lk777PZnK8Cl6J5\
     ixaaJLShuQjOud_-yDUA-5zmS1swoPqApryPZBlgvIyxJu2jGjNGkTfi3oYv2DzaKG05Rk-GQV81rkmghz; \
     consent=m9yPVUJa_c5q52RYfLWrLoevhZC0x0awirH_; locale=uQbLifxz53nCQE28-AJy75fNcTTN6KF\
     AQdEmQg3OMJmYxhcABm6jof8efD0nHCY_; seen=Kgd2vd_Er1uyZAlIa_ZnYd7chlN_Xc-1HSyGbDS1GHXy\
     5oOKVqYX7Enwvq4VNAKjKs1Pawtn3LG8Zv5Ypu8D0fzFwE7IHgYI; _fbp=ruiqFhojmAIDdN87xg3_Q_XBm\
     Tepo6uKZyUf0IE9pU2NJhKaM1_5WdR16ePlljivghZ4fXfeTkYpIygfdM7ENA8d5vFldPGYYJvW5hANsbEvr\
     SFagEaBp0vXnJaE_9I0; visitor=yTLUyi0kn1Gnt11CuZyzaA; campaign=U2OLzu6UQBGSyLvVSskUVI\
     Nx-ZmQF9oGxLUczZ8XbFzUxtPTfYFEpPx6n1nf2xv54WCA-7e56W8zNIQt3uL4FFQKoKGwRDIO; token=Q-\
     kVcIsgUpj6Sg9aheovEZXzUjpwVhOGu5Ng; session1=yvhwvSuqK4dWGlgnoAEcTl31uGQ-dFCGAtmNtc0\
     mRau8URBfT5MISizhBHs4_fVAFHDzXeUHNBZS0Z1WnImG9Aw37K5WcNhdEPqhGi3hlbKBVheZUpYxqew88AD\
     3dnby; _ga1=JVSEDONUsSDDFRFIFIuZIxNfaaOEELk9MQMalor2hCsgkGvp8kD0D3Ms8GbLkV3AZkGAs-M-\
     X_shUkbd_VOK-NptMzyL2Dvamh2Vwd6QEspT5pV74gdQq7eYimTTfpsU; _gid1=pYhNVNZxTSmm3jZNNjax\
     7EBz3cl7CSgzAf31; csrftoken1=dXP63ohM1fzUg296C0XpBx-NEgbUZsM6a8Cv; prefs1=r06aXyPtHg\
     jwzHBJ11thNcmzcy7bVQIY8cSt07lQ8tdiwg2X9Ajtfmp9-2KuTmxHKpRsBBaJlgMSdX5sTazVLmZ_bK4OPh\
     1dR8_H97S-f_VAUp7_l7v21JXuDCFqM9-S; cart1=b1QrMur8ak3r2gGllt_zqi; ab_test1=sa_PqYomQ\
     LFzzGzmNAFY8HwSKbF6WMXE1MBvRnhmX1EoC3G_FP1z5IBxT80NK8bTB2ABPLbPQ8Cjf5XGuSKl_6gGEBHBK\
     xnnV-Hov48VSOuU19x5iqljHqBTn2fwxwd5; consent1=Aphi2UFkSSj_sK-wZdnHy7agBx6LtIdyhp9ZYb\
     YLXlutzTfF_vNv7KToDsjCMEa-; locale1=bhj2M5QgErZXwKDGEv6-IyPLgodLyX5UvecWEgtHDGh9HMSo\
     AZm4N8pvgxPv9wV4eSB7YEUcJvR5MxCJ\r\n\
     \r\n";

/// A long target, and as many fields as proxies add on the way.
const LONG: &str = "GET /search/articles/archive/2024/september?q=l1UHlSC4rR4AkXu3F0&filter=bjXRXdWZKL_jWaRY\
     nZ&sort=BI0Hsqk_LB09RifXuE&page=UvAt5JPtfpwHlN_5DR&utm_source=CfLcXVNngDCMYhC7e4&utm\
     _medium=NsMWFiP7_jOPPzRddS&utm_campaign=7yVCx1EyGurzeq3pzG&utm_content=pStf2BuNXIp3Z\
     CcR1y&utm_term=6FFEiiEMgPB3eFkOns&ref=VPHiK7S4PQl0kjfLk6&gclid=cxZu6m98nDfqcYxyBt HTTP/1.1\r\n\
     Host: shop.example.org\r\n\
     X-Real-Ip: 203.0.113.77\r\n\
     X-Forwarded-For: 203.0.113.77, 198.51.100.14, 192.0.2.35\r\n\
     X-Forwarded-Proto: https\r\n\
     X-Forwarded-Host: shop.example.org\r\n\
     X-Forwarded-Port: 443\r\n\
     X-Request-Id: 7d9f2b64-0a1c-4e55-9f0e-3b8a7c1d2e4f\r\n\
     X-Amzn-Trace-Id: Root=1-66e160c0-5b7f3a2e1c9d4f60718293a4\r\n\
     Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\
     Tracestate: rojo=00f067aa0ba902b7,congo=t61rcWkgMzE\r\n\
     Forwarded: for=203.0.113.77;proto=https;by=198.51.100.14\r\n\
     Via: 1.1 edge-17.example.net, 1.1 lb-3.example.net\r\n\
     Cf-Ray: 8c1f4e7ab2d04d5e-FRA\r\n\
     Cf-Ipcountry: DE\r\n\
     Cf-Visitor: {\"scheme\":\"https\"}\r\n\
     Cdn-Loop: edge\r\n\
     User-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1\r\n\
     Accept: application/json, text/plain, */*\r\n\
     Accept-Language: de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7\r\n\
     Accept-Encoding: gzip, deflate, br\r\n\
     Authorization: Bearer Uepp-ikblHCUIs4Hx4tNcT1rtRZjM8iQ0NA0P_yT1jOw56ktltyxpA_w4mXmS3wdLqpfpa2BDGg_mn33x7tFs5BIdM0vzTY1-z4rLVuouJnWOlr1UlaY0XHNtF0BAnAmyMBDZW_iSZ0PSUNDMJV-73HBpSetjVEiMIsY5xCGcyF4GefcFUWo\r\n\
     Origin: https://shop.example.org\r\n\
     Referer: https://shop.example.org/search/articles/archive\r\n\
     If-None-Match: W/\"bc6c-191dc8d1b38\"\r\n\
     Cache-Control: no-cache\r\n\
     Pragma: no-cache\r\n\
     Dnt: 1\r\n\
     Sec-Gpc: 1\r\n\
     Sec-Fetch-Dest: empty\r\n\
     Sec-Fetch-Mode: cors\r\n\
     Sec-Fetch-Site: same-origin\r\n\
     Te: trailers\r\n\
     Priority: u=4\r\n\
     Connection: keep-alive\r\n\
     \r\n";
