using System.Text.Json;
using AsArm.Server.Configuration;
using AsArm.Server.Fields;
using AsArm.Server.Infilling;
using AsArm.Server.Tests.Support;
using Microsoft.AspNetCore.Routing;

namespace AsArm.Server.Tests;

/// <summary>docs/server.md and the OpenAPI document tell of every field and setting.</summary>
[TestClass]
public sealed class DocumentationTests
{
    private static readonly string s_page = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "server.md"));
    private static readonly string s_lines = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "json-lines.md"));

    [TestMethod]
    public async Task Fields_OfAllEndpoints_AreDocumented()
    {
        using JsonDocument document = JsonDocument.Parse(await SharedServer.Instance.Client.GetStringAsync("/openapi/v1.json"));
        JsonElement paths = document.RootElement.GetProperty("paths");
        RouteEndpoint[] endpoints = [.. ((IEndpointRouteBuilder)SharedServer.Instance.App).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()];
        Assert.IsGreaterThan(6, endpoints.Count(endpoint => endpoint.Metadata.GetMetadata<FieldList>() is not null));
        foreach (RouteEndpoint endpoint in endpoints)
        {
            if (endpoint.Metadata.GetMetadata<FieldList>() is not FieldList fields)
                continue;
            JsonElement properties = paths.GetProperty(endpoint.RoutePattern.RawText!).GetProperty("post").GetProperty("requestBody")
                .GetProperty("content").GetProperty("application/json").GetProperty("schema").GetProperty("properties");
            Assert.AreEqual(fields.Fields.Count, properties.EnumerateObject().Count());
            foreach (Field field in fields.Fields)
            {
                Assert.AreEqual(field.Description, properties.GetProperty(field.Name).GetProperty("description").GetString());
                Assert.IsTrue(s_page.Contains($"`{field.Name}`", StringComparison.Ordinal) || IsOfJsonLines(field.Name), $"{endpoint.RoutePattern.RawText}: {field.Name}");
            }
        }

        Assert.AreEqual("3.1.0", document.RootElement.GetProperty("openapi").GetString());
        Assert.IsTrue(paths.TryGetProperty("/health", out _));
        Assert.IsFalse(paths.TryGetProperty("/index.html", out _));
    }

    /// <summary>The fields of the table of inputs in docs/json-lines.md are fields of /v1/infill and of its lines.</summary>
    [TestMethod]
    public void Fields_OfJsonLines_AreThoseOfInfill()
    {
        int start = s_lines.IndexOf("\n## Input", StringComparison.Ordinal), end = s_lines.IndexOf("\n## ", start + 1, StringComparison.Ordinal);
        string[] names = [.. s_lines[start..end].Split('\n').Where(row => row.StartsWith("| `", StringComparison.Ordinal))
            .SelectMany(row => row.Split('|')[1].Split(',').Select(name => name.Trim(' ', '`')))];
        Assert.IsGreaterThan(20, names.Length);
        foreach (FieldList fields in new[] { InfillFields.Request, InfillFields.Line })
            Assert.IsEmpty(names.Except(fields.Fields.Select(field => field.Name)).ToArray());
    }

    [TestMethod]
    public void Settings_AreDocumented()
    {
        foreach (string name in typeof(ServerOptions).GetProperties().Where(property => property.CanWrite).Select(property => property.Name))
            Assert.Contains($"`{name}`", s_page);
    }

    /// <summary>Those of docs/json-lines.md.</summary>
    private static bool IsOfJsonLines(string name) => s_lines.Contains($"`{name}`", StringComparison.Ordinal);
}
