# The program in an image of its own: the static binary, the authorities that TLS needs, a user, and a directory that
# this user may write to. There is no shell, no package and no other program in it.
#
#   docker build --build-arg VERSION="$(git describe --tags --always --dirty)" -t registrar .
#   docker run --read-only --network host -v registrar:/var/lib/registrar registrar    # serve, on loopback
FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unknown
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/registrar ./cmd/registrar
RUN mkdir -p /out/etc/ssl/certs /out/var/lib/registrar \
 && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ \
 && echo 'registrar:x:65532:65532::/var/lib/registrar:/' >/out/etc/passwd \
 && echo 'registrar:x:65532:' >/out/etc/group \
 && chmod 0700 /out/var/lib/registrar

FROM scratch
ARG VERSION=unknown
LABEL org.opencontainers.image.title="Registrar" \
      org.opencontainers.image.description="A SOAP registration service: accounts in, e-mail and SMS out" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
COPY --from=build /out/etc /etc
COPY --from=build /out/registrar /registrar
# A new volume gets its owner from here.
COPY --from=build --chown=65532:65532 /out/var/lib/registrar /var/lib/registrar
ENV REGISTRAR_DATA_DIR=/var/lib/registrar
USER 65532:65532
WORKDIR /var/lib/registrar
VOLUME /var/lib/registrar
# SOAP, operators' pages, and the application servers' own port.
EXPOSE 8080 8081 8082
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=3 CMD ["/registrar", "health"]
ENTRYPOINT ["/registrar"]
CMD ["serve"]
