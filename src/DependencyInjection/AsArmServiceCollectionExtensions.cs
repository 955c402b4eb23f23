using AsArm.Extensions.DependencyInjection;
using AsArm.Inference.Infilling;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

#pragma warning disable IDE0130 // The namespace in which callers look for extensions of IServiceCollection.
namespace Microsoft.Extensions.DependencyInjection;
#pragma warning restore IDE0130

/// <summary>Registers AsArm.</summary>
public static class AsArmServiceCollectionExtensions
{
    /// <summary>
    /// Registers a singleton <see cref="ITextInfiller" />. The host validates the options, opens the model and warms it up when it starts, finishes the
    /// accepted requests when it stops, and cancels what is left when its shutdown timeout is over. There is one model: a second call changes its options.
    /// Where a test replaces <see cref="ITextInfiller" />, <see cref="AsArmOptions.WarmUp" /> should be false, so that no model is opened.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Sets the options; the path of the model folder is required.</param>
    /// <returns>The services.</returns>
    /// <example><code>
    /// builder.Services.AddAsArm(options =&gt; options.ModelPath = "models/english-18m");
    /// app.MapGet("/", (ITextInfiller infiller, CancellationToken stop) =&gt; infiller.InfillAsync("The cat &lt;mask:3&gt; the mat.", cancellationToken: stop));
    /// </code></example>
    public static IServiceCollection AddAsArm(this IServiceCollection services, Action<AsArmOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        services.AddOptions<AsArmOptions>().Configure(configure).ValidateOnStart();
        return services.AddInfiller();
    }

    /// <summary>Registers a singleton <see cref="ITextInfiller" /> with options from configuration.</summary>
    /// <param name="services">The services.</param>
    /// <param name="configuration">The section with the options, such as <c>configuration.GetSection(AsArmOptions.SectionName)</c>.</param>
    /// <returns>The services.</returns>
    /// <inheritdoc cref="AddAsArm(IServiceCollection, Action{AsArmOptions})" path="/summary" />
    public static IServiceCollection AddAsArm(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configuration);
        services.AddOptions<AsArmOptions>().Bind(configuration).ValidateOnStart();
        return services.AddInfiller();
    }

    private static IServiceCollection AddInfiller(this IServiceCollection services)
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<AsArmOptions>, AsArmOptionsValidator>());
        services.TryAddSingleton<OpenedInfiller>();
        services.TryAddSingleton(Open);
        services.TryAddSingleton<ITextInfiller>(provider => provider.GetRequiredService<TextInfiller>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, InfillerLifetime>());
        return services;
    }

    private static TextInfiller Open(IServiceProvider provider)
    {
        AsArmOptions options = provider.GetRequiredService<IOptions<AsArmOptions>>().Value;
        string root = provider.GetService<IHostEnvironment>()?.ContentRootPath ?? Environment.CurrentDirectory;
        TextInfiller infiller = TextInfiller.Open(Path.Combine(root, options.ModelPath!), options.ToInfillerOptions());
        provider.GetRequiredService<OpenedInfiller>().Value = infiller;
        if (provider.GetService<ILogger<TextInfiller>>() is ILogger log)
            Log.Opened(log, infiller.Model.Name, infiller.Model.Device.ToString(), infiller.Folder.FullPath);
        return infiller;
    }
}
