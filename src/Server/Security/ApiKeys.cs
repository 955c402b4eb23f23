using System.Security.Cryptography;
using System.Text;
using AsArm.Server.Configuration;
using AsArm.Server.Fields;

namespace AsArm.Server.Security;

/// <summary>The keys of clients. They are kept and compared as hashes, all of them each time, so that the time of a comparison tells nothing.</summary>
internal sealed class ApiKeys(ServerOptions options)
{
    private const string Scheme = "Bearer ";
    private readonly byte[][] _hashes = [.. options.ApiKeys.Select(key => SHA256.HashData(Encoding.UTF8.GetBytes(key)))];

    /// <summary>Refuses a request without a key, if keys are asked for.</summary>
    /// <exception cref="RequestException">The key is missing or wrong.</exception>
    public void Require(HttpRequest request)
    {
        if (_hashes.Length == 0)
            return;
        if (KeyOf(request) is not string key)
            throw new RequestException(StatusCodes.Status401Unauthorized, "A key is missing: Authorization: Bearer KEY.", "authorization", "missing_api_key");
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(key));
        bool isKnown = false;
        foreach (byte[] known in _hashes)
            isKnown |= CryptographicOperations.FixedTimeEquals(hash, known);
        if (!isKnown)
            throw new RequestException(StatusCodes.Status401Unauthorized, "The key is wrong.", "authorization", "invalid_api_key");
    }

    /// <summary>What tells clients apart: the key if keys are asked for, else the address.</summary>
    public string ClientOf(HttpContext context) => _hashes.Length > 0 && KeyOf(context.Request) is string key
        ? Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(key)))
        : context.Connection.RemoteIpAddress?.ToString() ?? "";

    private static string? KeyOf(HttpRequest request) =>
        request.Headers.Authorization.ToString() is string value && value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? value[Scheme.Length..].Trim() : null;
}
