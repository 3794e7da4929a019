import java.util.Map;
import javax.security.auth.callback.CallbackHandler;
import org.apache.cxf.frontend.ClientProxy;
import org.apache.cxf.version.Version;
import org.apache.cxf.ws.security.wss4j.WSS4JOutInterceptor;
import org.apache.wss4j.common.ext.WSPasswordCallback;
import org.apache.wss4j.dom.handler.WSHandlerConstants;
import registrar.registration.v1.RegistrationPort;

final class Client {
  public static void main(String[] args) throws Exception {
    JaxWs.run("CXF", Version.getCurrentVersion(), Client::userNameToken);
  }

  private static void userNameToken(RegistrationPort port) {
    CallbackHandler secret = callbacks -> ((WSPasswordCallback) callbacks[0]).setPassword(Scenario.SECRET);
    Map<String, Object> token =
        Map.of(
            WSHandlerConstants.ACTION, WSHandlerConstants.USERNAME_TOKEN,
            WSHandlerConstants.USER, Scenario.CALLER,
            WSHandlerConstants.PASSWORD_TYPE, Scenario.SECURITY.equals("wsse-digest") ? "PasswordDigest" : "PasswordText",
            WSHandlerConstants.PW_CALLBACK_REF, secret);
    ClientProxy.getClient(port).getOutInterceptors().add(new WSS4JOutInterceptor(token));
  }
}
