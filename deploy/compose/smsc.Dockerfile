# A message centre that keeps what it takes in a journal, for development. Its context is internal/devstack/smsc.
FROM node:22.21.1-bookworm-slim
WORKDIR /smsc
COPY package.json package-lock.json ./
RUN npm ci --omit=dev && mkdir /journal && chown node:node /journal
COPY smsc.js ./
USER node
VOLUME /journal
EXPOSE 2775
HEALTHCHECK --interval=5s --timeout=4s --start-period=20s CMD ["node", "-e", "require('net').connect(2775, '127.0.0.1').on('connect', () => process.exit(0)).on('error', () => process.exit(1))"]
ENTRYPOINT ["node", "smsc.js"]
