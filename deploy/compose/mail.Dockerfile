# A mail server that keeps what it takes in a Maildir, for development.
FROM debian:12.12-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3-aiosmtpd && rm -rf /var/lib/apt/lists/* \
 && mkdir /mail && chown nobody:nogroup /mail
USER nobody:nogroup
VOLUME /mail
EXPOSE 2525
HEALTHCHECK --interval=5s --timeout=4s --start-period=20s CMD ["python3", "-c", "import smtplib; smtplib.SMTP('127.0.0.1', 2525, timeout=3).quit()"]
ENTRYPOINT ["/usr/bin/aiosmtpd", "-n", "-c", "aiosmtpd.handlers.Mailbox", "-l", "0.0.0.0:2525"]
CMD ["/mail/inbox"]
