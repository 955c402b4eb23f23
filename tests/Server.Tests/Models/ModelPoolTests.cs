using System.Net;
using System.Text.Json;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.Infilling;
using AsArm.Server.Configuration;
using AsArm.Server.Models;
using AsArm.Server.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace AsArm.Server.Tests.Models;

/// <summary>Several models, their memory, and folders that change.</summary>
[TestClass]
public sealed class ModelPoolTests
{
    [TestMethod]
    public async Task Models_AreOpenedWhenTheyAreNeeded_AndClosedForOthers()
    {
        ServerOptions options = RunningServer.Options();
        options.Models["other"] = RunningServer.ModelFolder;
        options.MemoryBudgetMb = 1; // one of them takes 0.7 MB
        await using RunningServer server = await RunningServer.StartAsync(options);
        ModelPool pool = server.App.Services.GetRequiredService<ModelPool>();
        (await server.RentAsync()).Dispose();
        Assert.IsFalse(pool.IsOpen("other"));
        JsonElement answer = await server.PostAsync("/v1/completions", new { model = "other", prompt = "a", max_tokens = 1 });
        Assert.AreEqual("other", answer.GetProperty("model").GetString());
        Assert.IsTrue(pool.IsOpen("other"));
        Assert.IsFalse(pool.IsOpen("text"));
        using ModelLease held = await pool.RentAsync("other", CancellationToken.None);
        JsonElement error = await server.RefuseAsync("/v1/completions", new { model = "text", prompt = "a" }, HttpStatusCode.ServiceUnavailable);
        Assert.AreEqual("no_memory", error.GetProperty("code").GetString());
        held.Dispose();
        await server.PostAsync("/v1/completions", new { model = "text", prompt = "a", max_tokens = 1 });
        Assert.IsFalse(pool.IsOpen("other"));
    }

    [TestMethod]
    public void Models_LargerThanTheBudget_AreRefusedAtOnce()
    {
        ServerOptions options = RunningServer.Options();
        using var folder = new TemporaryFolder();
        Copy(folder.Path);
        File.WriteAllBytes(Path.Combine(folder.Path, "large"), new byte[1 << 20]);
        options.Models["large"] = folder.Path;
        options.MemoryBudgetMb = 1;
        ServerConfigurationException error = Assert.ThrowsExactly<ServerConfigurationException>(() => AsArmServer.Build(options));
        Assert.Contains("'large'", error.Message);
    }

    [TestMethod]
    public async Task Folder_ThatHasChanged_IsOpenedAnew()
    {
        using var folder = new TemporaryFolder();
        Copy(folder.Path);
        ServerOptions options = RunningServer.Options();
        options.Models[RunningServer.ModelName] = folder.Path;
        options.ReloadSeconds = 0.02;
        await using RunningServer server = await RunningServer.StartAsync(options);
        TextInfiller before;
        using (ModelLease held = await server.RentAsync())
        {
            before = held.Infiller;
            File.SetLastWriteTimeUtc(Path.Combine(folder.Path, "config.json"), DateTime.UtcNow.AddDays(1));
            while (ReferenceEquals(await InfillerOfAsync(server), before))
                await Task.Delay(5);
            Assert.AreEqual("text", (await server.PostAsync("/v1/completions", new { prompt = "a", max_tokens = 1 })).GetProperty("model").GetString());
            Assert.IsNotNull(await before.InfillAsync("Tom was <mask>.")); // who has it may go on
        }

        while (true) // until it is closed
        {
            try
            {
                await before.InfillAsync("Tom was <mask>.");
            }
            catch (ObjectDisposedException)
            {
                return;
            }
        }
    }

    /// <summary>A damaged folder is told of, and the model that is open goes on.</summary>
    [TestMethod]
    public async Task Folder_ThatIsDamaged_LeavesTheOldModel()
    {
        using var folder = new TemporaryFolder();
        Copy(folder.Path);
        ServerOptions options = RunningServer.Options();
        options.Models[RunningServer.ModelName] = folder.Path;
        await using RunningServer server = await RunningServer.StartAsync(options);
        TextInfiller before = await InfillerOfAsync(server);
        File.WriteAllText(Path.Combine(folder.Path, "asarm.json"), "{}");
        ModelPool pool = server.App.Services.GetRequiredService<ModelPool>();
        await Assert.ThrowsAsync<Assd.AsArmException>(() => pool.ReloadAsync(RunningServer.ModelName, CancellationToken.None));
        Assert.AreSame(before, await InfillerOfAsync(server));
    }

    [TestMethod]
    public async Task Folder_ThatIsNoModel_EndsTheServerWithTheReason()
    {
        using var folder = new TemporaryFolder();
        ServerOptions options = RunningServer.Options();
        options.Models[RunningServer.ModelName] = folder.Path;
        ServerConfigurationException error = await Assert.ThrowsExactlyAsync<ServerConfigurationException>(() => AsArmServer.RunAsync(options, _ => { }, CancellationToken.None));
        Assert.Contains("asarm.json", error.Message);
    }

    private static async Task<TextInfiller> InfillerOfAsync(RunningServer server)
    {
        using ModelLease lease = await server.RentAsync();
        return lease.Infiller;
    }

    private static void Copy(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.GetFiles(RunningServer.ModelFolder))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
    }
}
