using AsArm.Server.Configuration;
using AsArm.Server.Fields;

namespace AsArm.Server.Security;

/// <summary>Refuses requests of web pages of other origins, which a browser sends without being asked (cross-site requests).</summary>
internal static class Origins
{
    /// <summary>Refuses a request with an Origin that is neither the server's own nor a listed one.</summary>
    /// <exception cref="RequestException">It is another one.</exception>
    public static void Require(HttpRequest request, ServerOptions options)
    {
        string origin = request.Headers.Origin.ToString();
        if (origin.Length == 0 || origin == $"{request.Scheme}://{request.Host}" || options.CorsOrigins.Contains(origin))
            return;
        throw new RequestException(StatusCodes.Status403Forbidden, "Web pages of this origin are not allowed: list it in CorsOrigins.", "origin", "origin_not_allowed");
    }
}
