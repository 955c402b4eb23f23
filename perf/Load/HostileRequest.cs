using System.Net.Sockets;
using System.Text;

namespace AsArm.Perf.Load;

/// <summary>Bytes on a connection of their own that are no acceptable request, or only the beginning of one.</summary>
/// <param name="Name">A few words.</param>
/// <param name="Bytes">What is sent.</param>
/// <param name="IsWhole">Whether an answer is waited for; if not, the connection is closed at once.</param>
internal sealed record HostileRequest(string Name, byte[] Bytes, bool IsWhole = true)
{
    /// <summary>A request with a body.</summary>
    public static HostileRequest Post(string name, string path, byte[] body, string headers = "") =>
        new(name, [.. Encoding.Latin1.GetBytes($"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n"), .. body]);

    /// <inheritdoc cref="Post(string, string, byte[], string)" />
    public static HostileRequest Post(string name, string path, string body, string headers = "") => Post(name, path, Encoding.UTF8.GetBytes(body), headers);

    /// <summary>Sends it.</summary>
    /// <returns>The status of the answer; null where the server, or we, closed the connection without one.</returns>
    public async Task<int?> SendAsync(Uri server, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(server.Host, server.Port, cancellationToken);
        NetworkStream stream = client.GetStream();
        try
        {
            Task writing = stream.WriteAsync(Bytes, cancellationToken).AsTask();
            if (!IsWhole)
            {
                await writing;
                return null;
            }

            byte[] start = new byte["HTTP/1.1 400".Length];
            int read = await stream.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancellationToken); // before all is written, where a body is too large
            await ((Task)Task.WhenAny(writing, Task.Delay(TimeSpan.FromSeconds(1), cancellationToken))).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return read == start.Length && int.TryParse(Encoding.ASCII.GetString(start[^3..]), out int status) ? status : null;
        }
        catch (IOException)
        {
            return null; // closed while it was sent or read
        }
    }
}
