using System.Reflection;

namespace AsArm.Server.Page;

/// <summary>The web page: files of this folder, which are resources of the assembly. No path of a request reaches the file system.</summary>
internal static class PageEndpoint
{
    /// <summary>Nothing but the page's own files, and requests to this server.</summary>
    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly Dictionary<string, (string Type, byte[] Content)> s_files = ReadFiles();

    /// <summary>Maps each file, and the root to index.html.</summary>
    public static void Map(IEndpointRouteBuilder app, Action<IEndpointConventionBuilder> configure)
    {
        foreach (string name in s_files.Keys)
        {
            foreach (string route in name == "index.html" ? ["/", "/index.html"] : (string[])[$"/{name}"])
                configure(app.MapGet(route, context => WriteAsync(context, name)).ExcludeFromDescription());
        }
    }

    private static Task WriteAsync(HttpContext context, string name)
    {
        (string type, byte[] content) = s_files[name];
        context.Response.ContentType = type;
        context.Response.ContentLength = content.Length;
        context.Response.Headers.ContentSecurityPolicy = Policy;
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.Headers["Referrer-Policy"] = "no-referrer";
        context.Response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
        context.Response.Headers.CacheControl = "no-cache";
        return context.Response.Body.WriteAsync(content, context.RequestAborted).AsTask();
    }

    private static Dictionary<string, (string Type, byte[] Content)> ReadFiles()
    {
        const string Prefix = "page/";
        Assembly assembly = typeof(PageEndpoint).Assembly;
        return assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).ToDictionary(name => name[Prefix.Length..], name =>
        {
            using Stream stream = assembly.GetManifestResourceStream(name)!;
            using var content = new MemoryStream();
            stream.CopyTo(content);
            return (TypeOf(name), content.ToArray());
        });
    }

    private static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".js" or ".mjs" => "text/javascript; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".svg" => "image/svg+xml",
        ".json" => "application/json",
        _ => "application/octet-stream",
    };
}
